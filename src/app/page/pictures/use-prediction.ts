import { useEffect, useState } from 'preact/hooks'
import { task } from '../../tasks/chosen-task.ts'
import type { DeviceStatus, NetworkName, OwnNetwork, ShippedNetwork } from '../contract/engine-api.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import { messageOf } from '../worker/use-engine.ts'
import type { Picture } from './picture.ts'

export interface Prediction {
  /** One a class. */
  readonly probabilities: Float32Array
  readonly predicted: number
  /** What the network's classes are called. */
  readonly classNames: readonly string[]
  /** These are still the last picture's: the new ones are being computed. */
  readonly isStale: boolean
}

/** What the network says about the picture, anew for each picture, each device and each network. */
export function usePrediction(
  engine: EngineClient,
  network: NetworkName,
  /** Of one's own network, another object when it is another. */
  ownNetwork: OwnNetwork | null,
  picture: Picture | null,
  device: DeviceStatus | null,
  onProblem: (problem: string) => void,
): Prediction | null {
  const [known, setKnown] = useState<{
    picture: Picture
    source: OwnNetwork | ShippedNetwork
    probabilities: Float32Array
  } | null>(null)
  const source = network === 'own' ? ownNetwork : network

  useEffect(() => {
    if (!picture || !device || !source) return
    let isOutdated = false
    engine.predict(network, picture.pixels).then(
      (probabilities) => {
        if (!isOutdated) setKnown({ picture, source, probabilities })
      },
      (error) => {
        if (!isOutdated) onProblem(`The prediction failed: ${messageOf(error)}`)
      },
    )
    return () => {
      isOutdated = true
    }
  }, [engine, network, source, picture, device, onProblem])

  if (!known) return null
  const { probabilities } = known
  return {
    probabilities,
    predicted: predictedOf(probabilities),
    classNames: typeof known.source === 'string' ? task.classNames : known.source.classNames,
    isStale: known.picture !== picture || known.source !== source,
  }
}

/** The most probable class. */
export function predictedOf(probabilities: Float32Array): number {
  return probabilities.indexOf(Math.max(...probabilities))
}
