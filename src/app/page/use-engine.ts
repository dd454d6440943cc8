import { useCallback, useEffect, useState } from 'preact/hooks'
import type { DeviceChoice, DeviceStatus, ImageSet } from './engine-api.ts'
import type { EngineClient } from './engine-client.ts'

export interface EngineState {
  readonly images: ImageSet | null
  readonly device: DeviceStatus | null
  readonly isSwitching: boolean
  /** Why nothing works at all, if so. */
  readonly failure: string | null
  readonly switchDevice: (choice: DeviceChoice) => void
}

/** The engine's state: loading, the test images, the device that computes. */
export function useEngine(engine: EngineClient, onProblem: (problem: string | null) => void): EngineState {
  const [images, setImages] = useState<ImageSet | null>(null)
  const [device, setDevice] = useState<DeviceStatus | null>(null)
  const [isSwitching, setSwitching] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)

  useEffect(() => {
    const fail = (error: unknown) => setFailure(`Limelight can't start: ${messageOf(error)}`)
    const heardOf = (status: DeviceStatus) => {
      setDevice(status)
      if (status.problem) onProblem(status.problem)
    }
    engine.load('auto', heardOf).then(setImages, fail)
    engine.failed.then(fail)
  }, [engine, onProblem])

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
  return { images, device, isSwitching, failure, switchDevice }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
