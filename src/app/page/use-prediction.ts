import { useEffect, useState } from 'preact/hooks'
import type { DeviceStatus } from './engine-api.ts'
import type { EngineClient } from './engine-client.ts'
import type { Picture } from './picture.ts'
import { messageOf } from './use-engine.ts'

export interface Prediction {
  /** One a class. */
  readonly probabilities: Float32Array
  readonly predicted: number
  /** These are still the last picture's: the new ones are being computed. */
  readonly isStale: boolean
}

/** What the network says about the picture, anew for each picture and each device. */
export function usePrediction(
  engine: EngineClient,
  picture: Picture | null,
  device: DeviceStatus | null,
  onProblem: (problem: string) => void,
): Prediction | null {
  const [known, setKnown] = useState<{ picture: Picture; probabilities: Float32Array } | null>(null)

  useEffect(() => {
    if (!picture || !device) return
    let isOutdated = false
    engine.predict(picture.pixels).then(
      (probabilities) => {
        if (!isOutdated) setKnown({ picture, probabilities })
      },
      (error) => {
        if (!isOutdated) onProblem(`The prediction failed: ${messageOf(error)}`)
      },
    )
    return () => {
      isOutdated = true
    }
  }, [engine, picture, device, onProblem])

  if (!known) return null
  const { probabilities } = known
  return { probabilities, predicted: predictedOf(probabilities), isStale: known.picture !== picture }
}

/** The most probable class. */
export function predictedOf(probabilities: Float32Array): number {
  return probabilities.indexOf(Math.max(...probabilities))
}
