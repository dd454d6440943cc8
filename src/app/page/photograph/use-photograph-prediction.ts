import { useEffect, useState } from 'preact/hooks'
import type { Fit } from '../../photographs/framing.ts'
import type { DeviceStatus } from '../contract/engine-api.ts'
import type { Photograph, PhotographNetwork } from '../contract/photograph-api.ts'
import { messageOf } from '../worker/use-engine.ts'
import type { PhotographClient } from './photograph-client.ts'

/** What a network says of a photograph. */
export interface PhotographPrediction {
  readonly photograph: Photograph
  readonly network: PhotographNetwork
  readonly fit: Fit
  /** One a class: probabilities, or values. */
  readonly numbers: Float32Array
}

/** What a network says of a photograph, anew whenever one of them or the device is another; the last answer until then. */
export function usePhotographPrediction(
  client: PhotographClient,
  device: DeviceStatus | null,
  photograph: Photograph | null,
  network: PhotographNetwork | null,
  fit: Fit,
  onProblem: (problem: string) => void,
): { readonly prediction: PhotographPrediction | null; readonly isStale: boolean } {
  const [prediction, setPrediction] = useState<PhotographPrediction | null>(null)
  useEffect(() => {
    if (!device || !photograph || !network || network.unknown.length > 0) return
    let isOutdated = false
    client.predict(network.id, photograph.id, fit).then(
      (numbers) => {
        if (!isOutdated) setPrediction({ photograph, network, fit, numbers })
      },
      (error) => {
        if (!isOutdated) onProblem(`The network can't be asked: ${messageOf(error)}`)
      },
    )
    return () => {
      isOutdated = true
    }
  }, [client, device, photograph, network, fit, onProblem])
  const isStale = prediction?.photograph !== photograph || prediction?.network !== network || prediction?.fit !== fit
  return { prediction: prediction?.network === network ? prediction : null, isStale }
}
