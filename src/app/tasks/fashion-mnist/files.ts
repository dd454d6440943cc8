import { FormatError, LimelightError } from '../../../engine/errors.ts'
import { gunzip, isGzip } from '../../data/gzip.ts'
import { parseIdxImages, parseIdxLabels } from '../../data/idx.ts'
import type { ImageSet } from '../../data/image-set.ts'
import { fashionMnist } from './task.ts'

/**
 * The Fashion-MNIST data set (Xiao, Rasul, Vollgraf, arXiv:1708.07747; MIT licence, Zalando SE 2017): what its files
 * are, and how their bytes become images. Where the bytes come from is store.ts's business (Node) or the page's.
 */

export type Split = 'train' | 'test'

export interface DataFile {
  /** As upstream and Debian name it. */
  readonly name: string
  /** Of the decompressed content: gzip headers hold a time and a name, and differ from one copy to another. */
  readonly sha256: string
  /** Size of the decompressed content, in bytes. */
  readonly bytes: number
}

export interface SplitFiles {
  readonly count: number
  readonly images: DataFile
  readonly labels: DataFile
}

export const splitFiles: Readonly<Record<Split, SplitFiles>> = {
  train: {
    count: 60_000,
    images: {
      name: 'train-images-idx3-ubyte.gz',
      sha256: 'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
      bytes: 47_040_016,
    },
    labels: {
      name: 'train-labels-idx1-ubyte.gz',
      sha256: 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
      bytes: 60_008,
    },
  },
  test: {
    count: 10_000,
    images: {
      name: 't10k-images-idx3-ubyte.gz',
      sha256: '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
      bytes: 7_840_016,
    },
    labels: {
      name: 't10k-labels-idx1-ubyte.gz',
      sha256: '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
      bytes: 10_008,
    },
  },
}

/**
 * Folders on the web that hold the four files. The authors' repository comes first: their S3 site speaks plain HTTP
 * only, which is harmless here because nothing is taken whose SHA-256 differs.
 */
export const mirrors: readonly string[] = [
  'https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/',
  'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
]

/**
 * Checks that decompressed bytes are the file's content.
 * @throws FormatError when their SHA-256 is another
 * @throws LimelightError in a page that is not a secure context, where browsers offer no SHA-256
 */
export async function verify(file: DataFile, content: Uint8Array): Promise<void> {
  if (!globalThis.crypto?.subtle)
    throw new LimelightError('data files can only be verified over HTTPS or on localhost: browsers offer SHA-256 there')
  // WebCrypto takes no view of shared memory; a plain one is not copied.
  const plain = content.buffer instanceof ArrayBuffer ? (content as Uint8Array<ArrayBuffer>) : content.slice()
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', plain))
  const given = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  if (given !== file.sha256)
    throw new FormatError(`${file.name} is not the original: SHA-256 ${given}, expected ${file.sha256}`)
}

/**
 * A file as it lies on disk or comes over the wire to its verified content. Servers that send .gz files with
 * `Content-Encoding: gzip` have browsers unpack them, so plain content is taken as well.
 * @throws FormatError when it is truncated, corrupt, or not the original
 */
export async function unpack(file: DataFile, bytes: Uint8Array): Promise<Uint8Array> {
  const content = isGzip(bytes) ? await gunzip(bytes, file.bytes, file.name) : bytes
  await verify(file, content)
  return content
}

/**
 * Puts the decompressed contents of a split's two files together.
 * @returns images and labels as views of the bytes given
 * @throws FormatError when either is not what an image or a label file of Fashion-MNIST is, or the two don't belong together
 */
export function joinImagesAndLabels(imageBytes: Uint8Array, labelBytes: Uint8Array): ImageSet {
  const { images, count, height, width } = parseIdxImages(imageBytes, 'the image file')
  const labels = parseIdxLabels(labelBytes, 'the label file')
  const { classNames, inputShape } = fashionMnist
  if (height !== inputShape[0] || width !== inputShape[1])
    throw new FormatError(`the images are ${height}x${width}, Fashion-MNIST's are ${inputShape[0]}x${inputShape[1]}`)
  if (labels.length !== count) throw new FormatError(`there are ${count} images, but ${labels.length} labels`)
  const strange = labels.findIndex((label) => label >= classNames.length)
  if (strange >= 0)
    throw new FormatError(`label ${strange} is ${labels[strange]}, expected 0 to ${classNames.length - 1}`)
  return { images, labels, count, height, width }
}

/**
 * A split from its two files' bytes, gzipped or not, verified.
 * @throws FormatError when a file is truncated, corrupt, or not the original
 */
export async function readSplit(split: Split, imageFile: Uint8Array, labelFile: Uint8Array): Promise<ImageSet> {
  const { images, labels } = splitFiles[split]
  return joinImagesAndLabels(await unpack(images, imageFile), await unpack(labels, labelFile))
}
