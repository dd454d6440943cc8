import { proxy } from 'comlink'
import type { PhotographApi } from '../contract/photograph-api.ts'
import type { Asynchronous, EngineClient } from '../worker/engine-client.ts'

/** The Worker's side of photographs, as the page sees it. It can be asked at once: the Worker loads it meanwhile. */
export type PhotographClient = Asynchronous<PhotographApi>

export function photographClient(engine: EngineClient): PhotographClient {
  const remote = engine.photographs()
  // Whoever asks is told why it can't be loaded.
  remote.catch(() => {})
  return {
    offers: async () => (await remote).offers(),
    openNetwork: async (side, id, onFetched) => (await remote).openNetwork(side, id, proxy(onFetched)),
    openNetworkFiles: async (files) => (await remote).openNetworkFiles(files),
    describeNetwork: async (id, said, pixels) => (await remote).describeNetwork(id, said, pixels),
    readClassNames: async (file) => (await remote).readClassNames(file),
    openPhotograph: async (picture, name, id) => (await remote).openPhotograph(picture, name, id),
    keptPhotograph: async (id) => (await remote).keptPhotograph(id),
    predict: async (network, photograph, fit) => (await remote).predict(network, photograph, fit),
    explain: async (side, question, onProgress, onRough) =>
      (await remote).explain(side, question, proxy(onProgress), proxy(onRough)),
    predictWithout: async (side, hidden) => (await remote).predictWithout(side, hidden),
    exported: async (side, label, format, title) => (await remote).exported(side, label, format, title),
    stop: async (run) => (await remote).stop(run),
  }
}
