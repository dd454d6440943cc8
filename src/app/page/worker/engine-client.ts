import * as Comlink from 'comlink'
import type { EngineApi } from '../contract/engine-api.ts'

/** All that the Worker does, seen from here: what it answers at once there comes as a promise. */
type Asynchronous<T> = {
  readonly [K in keyof T]: T[K] extends (...given: infer Given) => infer Answer
    ? (...given: Given) => Promise<Awaited<Answer>>
    : never
}

/** The Worker as the page sees it: the same calls, and `failed`, which resolves when the Worker can't run at all. */
export interface EngineClient extends Asynchronous<EngineApi> {
  readonly failed: Promise<Error>
}

export function startEngine(): EngineClient {
  const worker = new Worker(new URL('./engine-worker.ts', import.meta.url), { type: 'module' })
  const remote = Comlink.wrap<EngineApi>(worker)
  return {
    load: (base, choice, listener) => remote.load(base, choice, Comlink.proxy(listener)),
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
    findInterrupted: () => remote.findInterrupted(),
    discardInterrupted: () => remote.discardInterrupted(),
    saveNetwork: () => remote.saveNetwork(),
    openNetwork: (files) => remote.openNetwork(files),
    stop: (run) => remote.stop(run),
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
