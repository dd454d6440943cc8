import type { DownloadProgress } from '../data/download.ts'
import type { ImageSet } from '../data/image-set.ts'
import type { Split } from '../tasks/fashion-mnist/files.ts'
import { loadFashionMnist } from '../tasks/fashion-mnist/store.ts'
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
