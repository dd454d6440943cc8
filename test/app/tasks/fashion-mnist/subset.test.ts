import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { joinImagesAndLabels, unpack } from '../../../../src/app/tasks/fashion-mnist/files.ts'
import { loadFashionMnist } from '../../../../src/app/tasks/fashion-mnist/store.ts'
import { subsetFiles } from '../../../../src/app/tasks/fashion-mnist/subset.ts'
import { fashionMnist } from '../../../../src/app/tasks/fashion-mnist/task.ts'

const {
  inputShape: [imageExtent],
} = fashionMnist

const folder = new URL('../../../../src/app/data/fashion-mnist-subset/', import.meta.url)

it('the built-in subset is the first 4,000 training images with their labels, every class among them', async () => {
  const { count, images, labels } = subsetFiles
  const subset = joinImagesAndLabels(
    await unpack(images, await readFile(new URL(images.name, folder))),
    await unpack(labels, await readFile(new URL(labels.name, folder))),
  )
  expect(subset.count).toBe(count)
  const whole = await loadFashionMnist('train')
  expect(Buffer.compare(subset.images, whole.images.subarray(0, count * imageExtent ** 2))).toBe(0)
  expect(Buffer.compare(subset.labels, whole.labels.subarray(0, count))).toBe(0)
  for (let label = 0; label < 10; label++)
    expect(subset.labels.filter((other) => other === label).length).toBeGreaterThan(350)
})
