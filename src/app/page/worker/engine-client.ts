import * as Comlink from 'comlink'
import type { DeviceChoice, DeviceStatus, EngineApi, EngineListener, Loaded } from '../contract/engine-api.ts'
import type { PhotographApi } from '../contract/photograph-api.ts'
import { Pulse } from './pulse.ts'

/** All that the Worker does, seen from here: what it answers at once there comes as a promise. */
export type Asynchronous<T> = {
  readonly [K in keyof T]: T[K] extends (...given: infer Given) => infer Answer
    ? (...given: Given) => Promise<Awaited<Answer>>
    : never
}

/** The Worker as the page sees it: the same calls, and `failed`, which resolves when the Worker can't run at all. */
export interface EngineClient extends Asynchronous<Omit<EngineApi, 'load' | 'photographs'>> {
  readonly failed: Promise<Error>
  /** A Worker that stands still meanwhile is replaced; what people may ask before waits for the one that starts. */
  load(base: string, choice: DeviceChoice, listener: Omit<EngineListener, 'onAlive'>): Promise<Loaded>
  /** What it does with photographs; callbacks given to it must be proxies. */
  photographs(): Promise<Comlink.Remote<PhotographApi>>
}

/** More than once in a row, and it is something else: then the last one is waited for. */
const mostReplaced = 2

export function startEngine(): EngineClient {
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<Error>((resolve) => {
    fail = resolve
  })
  let start: () => void = () => {}
  const started = new Promise<void>((resolve) => {
    start = resolve
  })
  let worker = startWorker(fail)
  let remote = Comlink.wrap<EngineApi>(worker)
  return {
    load: async (base, choice, { onDevice, onOwnNetwork }) => {
      for (let replaced = 0; ; replaced++) {
        const pulse = new Pulse()
        const heard = {
          onAlive: () => pulse.beat(),
          onDevice: (status: DeviceStatus) => {
            pulse.end()
            start()
            onDevice(status)
          },
          onOwnNetwork,
        }
        const loading = remote.load(base, choice, Comlink.proxy(heard)).finally(() => {
          pulse.end()
          start()
        })
        const loaded = await (replaced < mostReplaced ? Promise.race([loading, pulse.stopped]) : loading)
        if (loaded) return loaded
        worker.terminate()
        worker = startWorker(fail)
        remote = Comlink.wrap<EngineApi>(worker)
      }
    },
    useDevice: (choice) => remote.useDevice(choice),
    predict: (network, pixels) => remote.predict(network, pixels),
    explain: (side, network, pixels, settings, onProgress) =>
      remote.explain(side, network, pixels, settings, Comlink.proxy(onProgress)),
    predictWithout: (side, hidden) => remote.predictWithout(side, hidden),
    faithfulness: (side, label) => remote.faithfulness(side, label),
    stability: (side, label) => remote.stability(side, label),
    exported: (side, label, format, subject) => remote.exported(side, label, format, subject),
    judge: (network, onProgress) => remote.judge(network, Comlink.proxy(onProgress)),
    averageEvidence: (network, onProgress) => remote.averageEvidence(network, Comlink.proxy(onProgress)),
    accuracy: (network) => remote.accuracy(network),
    outline: (choice) => remote.outline(choice),
    train: (recipe, watched, onEvent) => remote.train(recipe, watched, Comlink.proxy(onEvent)),
    steer: (how) => remote.steer(how),
    findInterrupted: async () => {
      await started
      return remote.findInterrupted()
    },
    discardInterrupted: () => remote.discardInterrupted(),
    saveNetwork: () => remote.saveNetwork(),
    openNetwork: async (files) => {
      await started
      return remote.openNetwork(files)
    },
    asksSame: (one, other) => remote.asksSame(one, other),
    photographs: () => remote.photographs(),
    stop: (run) => remote.stop(run),
    failed,
  }
}

function startWorker(fail: (error: Error) => void): Worker {
  const worker = new Worker(new URL('./engine-worker.ts', import.meta.url), { type: 'module' })
  worker.addEventListener('error', (event) => {
    event.preventDefault()
    fail(new Error(event.message || 'its script could not be loaded'))
  })
  return worker
}

/** Whether a call failed because it was stopped. Errors lose their class on the way from the Worker, not their name. */
export function isStopped(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
