import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { findPackageRoot, shippedDataFolder, shippedModelPath } from '../../../../src/app/data/package-files.ts'
import {
  joinImagesAndLabels,
  readSplit,
  splitFiles,
  unpack,
  verify,
} from '../../../../src/app/tasks/fashion-mnist/files.ts'
import { fashionMnist } from '../../../../src/app/tasks/fashion-mnist/task.ts'
import { FormatError, LimelightError } from '../../../../src/engine/errors.ts'
import { readReference } from '../../../reference-files.ts'
import { tensorOf } from '../../../reference-tensors.ts'

const { classNames } = fashionMnist

const shipped = (name: string) => readFileSync(join(shippedDataFolder(), name))
const imageFile = shipped(splitFiles.test.images.name)
const labelFile = shipped(splitFiles.test.labels.name)

it('the shipped test split is the original, with the labels and images that the reference has', async () => {
  const set = await readSplit('test', imageFile, labelFile)
  expect([set.count, set.height, set.width]).toEqual([10_000, 28, 28])
  expect(set.images).toHaveLength(10_000 * 784)
  const labels = tensorOf(readReference('model-eval.safetensors'), 'true').data
  expect(Buffer.from(set.labels).equals(Buffer.from(labels))).toBe(true)
  for (const index of [7270, 1165, 0]) {
    const image = tensorOf(readReference('segments.safetensors'), `images/fashion${index}`).data
    expect([...set.images.subarray(index * 784, (index + 1) * 784)], `image ${index}`).toEqual([...image])
  }
})

it('the class names are those of the reference', () => {
  expect(classNames).toEqual(JSON.parse(readReference('model-eval.safetensors').metadata.class_labels))
})

it('a server that unpacks gzip on the way changes nothing', async () => {
  const { labels } = splitFiles.test
  expect(await unpack(labels, new Uint8Array(gunzipSync(labelFile)))).toEqual(await unpack(labels, labelFile))
})

it('a file with one other bit is refused, with the SHA-256 given and the one expected', async () => {
  const content = new Uint8Array(gunzipSync(labelFile))
  await verify(splitFiles.test.labels, content)
  content[5000] ^= 1
  const refusal = await verify(splitFiles.test.labels, content).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(FormatError)
  expect(String(refusal)).toMatch(/t10k-labels-idx1-ubyte\.gz .* SHA-256 [0-9a-f]{64}, expected 0402a96d92fd/)
  await expect(unpack(splitFiles.test.labels, content)).rejects.toThrow(FormatError)
  await expect(readSplit('test', labelFile, imageFile)).rejects.toThrow(FormatError)
})

it('content in shared memory is verified too', async () => {
  const content = gunzipSync(labelFile)
  const shared = new Uint8Array(new SharedArrayBuffer(content.length))
  shared.set(content)
  await verify(splitFiles.test.labels, shared)
  shared[0] = 1
  await expect(verify(splitFiles.test.labels, shared)).rejects.toThrow(FormatError)
})

it('images and labels that do not belong together are refused', () => {
  const images = (count: number, extent: number) =>
    Uint8Array.from([
      0,
      0,
      8,
      3,
      0,
      0,
      0,
      count,
      0,
      0,
      0,
      extent,
      0,
      0,
      0,
      extent,
      ...new Uint8Array(count * extent ** 2),
    ])
  const labels = (...values: number[]) => Uint8Array.from([0, 0, 8, 1, 0, 0, 0, values.length, ...values])
  expect(joinImagesAndLabels(images(2, 28), labels(9, 0))).toMatchObject({ count: 2, height: 28, width: 28 })
  expect(() => joinImagesAndLabels(images(2, 28), labels(9))).toThrow('2 images, but 1 labels')
  expect(() => joinImagesAndLabels(images(2, 28), labels(9, 10))).toThrow('label 1 is 10, expected 0 to 9')
  expect(() => joinImagesAndLabels(images(2, 27), labels(9, 0))).toThrow('27x27')
})

it("the package's root is found from its folders, and from nowhere else", () => {
  const root = findPackageRoot()
  expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).name).toBe('limelight')
  expect(findPackageRoot(join(root, 'dist', 'chunks'))).toBe(root)
  // Packages of other names on the way up don't count.
  expect(findPackageRoot(join(root, 'node_modules', 'fast-png', 'lib'))).toBe(root)
  expect(shippedModelPath()).toBe(join(root, 'models', 'fashion-cnn.safetensors'))
  expect(() => findPackageRoot('/')).toThrow(LimelightError)
})
