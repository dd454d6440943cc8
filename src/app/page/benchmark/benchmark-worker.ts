import * as Comlink from 'comlink'
import modelAddress from '../../../../models/fashion-cnn.safetensors?url'
import { adam, loadModel } from '../../../engine/index.ts'
import type { Ceilings } from '../../benchmark/adapter-ceilings.ts'
import { type ItemResult, runBenchmark } from '../../benchmark/benchmark.ts'
import imagesAddress from '../../data/fashion-mnist/t10k-images-idx3-ubyte.gz?url'
import labelsAddress from '../../data/fashion-mnist/t10k-labels-idx1-ubyte.gz?url'
import { tutorialArchitecture } from '../../networks/tutorial.ts'
import { readSplit } from '../../tasks/fashion-mnist/files.ts'
import type { DeviceChoice, DeviceStatus } from '../contract/engine-api.ts'
import { download } from '../worker/download.ts'
import { openWorkingDevice } from '../worker/open-working-device.ts'

/** The benchmark computes here, in a Worker of its own for each run: to stop it, the page ends the Worker. */

export type BenchmarkNews =
  | { readonly type: 'device'; readonly status: DeviceStatus }
  | { readonly type: 'ceilings'; readonly ceilings: Ceilings }
  | { readonly type: 'progress'; readonly done: number; readonly total: number; readonly what: string }
  | { readonly type: 'result'; readonly result: ItemResult }

export interface BenchmarkApi {
  /** Resolves when all is measured. */
  run(choice: DeviceChoice, onNews: (news: BenchmarkNews) => Promise<void>): Promise<void>
}

const api: BenchmarkApi = {
  async run(choice, tell) {
    // Waited for: the last news is there before run() has ended.
    const told: Promise<void>[] = []
    const onNews = (news: BenchmarkNews) => void told.push(tell(news))
    const [bytes, images, labels] = await Promise.all([
      download(modelAddress, 'the model'),
      download(imagesAddress, 'the test images'),
      download(labelsAddress, 'their labels'),
    ])
    const [model, set] = await Promise.all([
      loadModel(bytes, { fallback: tutorialArchitecture(0) }),
      readSplit('test', images, labels),
    ])
    const { device, status } = await openWorkingDevice(choice, (candidate) =>
      model.compile({ device: candidate, optimizer: adam(), metrics: ['accuracy'] }),
    )
    onNews({ type: 'device', status })
    await runBenchmark(
      { device, model, images: set },
      {
        onProgress: (done, total, what) => onNews({ type: 'progress', done, total, what }),
        onCeilings: (ceilings) => onNews({ type: 'ceilings', ceilings }),
        onResult: (result) => onNews({ type: 'result', result }),
      },
    )
    await Promise.all(told)
  },
}

Comlink.expose(api)
