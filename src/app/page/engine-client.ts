import * as Comlink from 'comlink'
import type {
  DeviceChoice,
  DeviceStatus,
  EngineApi,
  Evaluation,
  ExplanationProgress,
  ExplanationResult,
  ExplanationSettings,
  ImageSet,
} from './engine-api.ts'

/** The Worker as the page sees it: the same calls, and `failed`, which resolves when the Worker can't run at all. */
export interface EngineClient {
  load(choice: DeviceChoice, onDevice: (status: DeviceStatus) => void): Promise<ImageSet>
  useDevice(choice: DeviceChoice): Promise<DeviceStatus>
  predict(pixels: Uint8Array): Promise<Float32Array>
  explain(
    pixels: Uint8Array,
    settings: ExplanationSettings,
    onProgress: (progress: ExplanationProgress) => void,
  ): Promise<ExplanationResult>
  predictWithout(hidden: readonly number[]): Promise<Float32Array>
  stop(): Promise<void>
  judge(onProgress: (done: number, total: number) => void): Promise<Evaluation>
  stopJudging(): Promise<void>
  readonly failed: Promise<Error>
}

export function startEngine(): EngineClient {
  const worker = new Worker(new URL('./engine-worker.ts', import.meta.url), { type: 'module' })
  const remote = Comlink.wrap<EngineApi>(worker)
  return {
    load: (choice, onDevice) => remote.load(choice, Comlink.proxy(onDevice)),
    useDevice: (choice) => remote.useDevice(choice),
    predict: (pixels) => remote.predict(pixels),
    explain: (pixels, settings, onProgress) => remote.explain(pixels, settings, Comlink.proxy(onProgress)),
    predictWithout: (hidden) => remote.predictWithout(hidden),
    stop: () => remote.stop(),
    judge: (onProgress) => remote.judge(Comlink.proxy(onProgress)),
    stopJudging: () => remote.stopJudging(),
    failed: new Promise((resolve) => {
      worker.addEventListener('error', (event) => {
        event.preventDefault()
        resolve(new Error(event.message || 'its script could not be loaded'))
      })
    }),
  }
}

/** Whether a call failed because it was stopped. Errors lose their class on the way from the Worker, not their name. */
export function isStopped(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
