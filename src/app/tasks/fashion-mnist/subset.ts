import type { SplitFiles } from './files.ts'

/**
 * The first 4,000 training images, for a page whose host has not the whole split: enough to see a network learn, small
 * enough to come with the page. ../../data/fashion-mnist-subset/make.mjs made the files and printed these figures.
 */
export const subsetFiles: SplitFiles = {
  count: 4000,
  images: {
    name: 'train-4000-images-idx3-ubyte.gz',
    sha256: '09dd72e74aa8a76feaada262d167edcd489b57bc01d49240b1da1e0f2d395932',
    bytes: 3_136_016,
  },
  labels: {
    name: 'train-4000-labels-idx1-ubyte.gz',
    sha256: 'bd16d103c66bdc7c4826aef758caccae538e9465d8c4fd0939db7bcb1891a702',
    bytes: 4008,
  },
}
