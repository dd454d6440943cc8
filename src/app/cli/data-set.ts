import type { Samples } from '../../engine/model/samples.ts'
import { type ImageSet, imageExtent, type Split } from '../tasks/fashion-mnist/files.ts'
import { type DownloadProgress, loadFashionMnist } from '../tasks/fashion-mnist/store.ts'
import { note, updateLine } from './terminal.ts'

/** What the store's progress and notes look like on stderr. */
export const storeReporter = {
  onNote: note,
  onProgress({ file, received, total }: DownloadProgress): void {
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
    updateLine(`${file}: ${megabytes(received)}${total ? ` of ${megabytes(total)}` : ''} MB`)
  },
}

/** Loads a split of Fashion-MNIST and says on stderr where it is downloaded from. */
export async function loadSplit(split: Split, signal?: AbortSignal): Promise<ImageSet> {
  return loadFashionMnist(split, { signal, ...storeReporter })
}

/** The first `limit` images of a set as samples [N, 28, 28, 1] with values of 0..1. */
export function samplesOf({ images, count, height, width }: ImageSet, limit = count): Samples {
  const taken = Math.min(limit, count)
  return { data: images.subarray(0, taken * height * width), shape: [taken, height, width, 1], scale: 1 / 255 }
}

/** One image as numbers of 0..1. */
export function imageAt({ images }: ImageSet, index: number): Float64Array {
  const size = imageExtent * imageExtent
  return Float64Array.from(images.subarray(index * size, (index + 1) * size), (value) => value / 255)
}
