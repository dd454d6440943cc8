import { useCallback, useEffect, useState } from 'preact/hooks'
import {
  type DeviceChoice,
  type DeviceStatus,
  type Loaded,
  type OwnNetwork,
  type ShippedNetwork,
  shippedNetworks,
} from '../contract/engine-api.ts'
import type { EngineClient } from './engine-client.ts'

/** Of the networks that come with the page the share of test images that each gets right, as far as it is known. */
export type Accuracies = Readonly<Partial<Record<ShippedNetwork, number>>>

/** In ms after the images are there: what the first view needs is fetched before other networks' files. */
const patience = 3000

export interface EngineState {
  readonly loaded: Loaded | null
  readonly device: DeviceStatus | null
  readonly ownNetwork: OwnNetwork | null
  readonly accuracies: Accuracies
  readonly isSwitching: boolean
  /** Why nothing works at all, if so. */
  readonly failure: string | null
  readonly switchDevice: (choice: DeviceChoice) => void
}

/** The engine's state: loading, what it loaded, the device that computes, the network of one's own. */
export function useEngine(engine: EngineClient, onProblem: (problem: string | null) => void): EngineState {
  const [loaded, setLoaded] = useState<Loaded | null>(null)
  const [device, setDevice] = useState<DeviceStatus | null>(null)
  const [ownNetwork, setOwnNetwork] = useState<OwnNetwork | null>(null)
  const [accuracies, setAccuracies] = useState<Accuracies>({})
  const [isSwitching, setSwitching] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)

  useEffect(() => {
    const fail = (error: unknown) => setFailure(`Limelight can't start: ${messageOf(error)}`)
    const onDevice = (status: DeviceStatus) => {
      setDevice(status)
      if (status.problem) onProblem(status.problem)
    }
    engine.load(document.baseURI, 'auto', { onDevice, onOwnNetwork: setOwnNetwork }).then(setLoaded, fail)
    engine.failed.then(fail)
  }, [engine, onProblem])

  useEffect(() => {
    if (!loaded) return
    const ask = async (network: ShippedNetwork) => {
      const accuracy = await engine.accuracy(network)
      if (accuracy !== null) setAccuracies((known) => ({ ...known, [network]: accuracy }))
    }
    // Whoever asks for a network whose file can't be had is told so then.
    const timer = setTimeout(() => shippedNetworks.forEach((network) => void ask(network).catch(() => {})), patience)
    return () => clearTimeout(timer)
  }, [engine, loaded])

  const switchDevice = useCallback(
    (choice: DeviceChoice) => {
      setSwitching(true)
      onProblem(null)
      engine
        .useDevice(choice)
        .catch((error) => onProblem(messageOf(error)))
        .finally(() => setSwitching(false))
    },
    [engine, onProblem],
  )
  return { loaded, device, ownNetwork, accuracies, isSwitching, failure, switchDevice }
}

/** What browsers say of an import() whose script they can't get: Chromium and Firefox, Safari, and Vite of its styles. */
const missingScript = /dynamically imported module|Importing a module script failed|Unable to preload/

/** What went wrong, for people. Errors from the Worker have lost their class, but not their message. */
export function messageOf(error: unknown): string {
  if (error instanceof Error && missingScript.test(error.message)) return 'a part of the page could not be loaded'
  return error instanceof Error ? error.message : String(error)
}
