import { readFile } from 'node:fs/promises'
import { gunzip } from '../../../src/app/data/gzip.ts'
import { recipes } from '../../../src/app/networks/recipes.ts'
import type { TrainingRecipe } from '../../../src/app/page/contract/engine-api.ts'
import { architectureOf } from '../../../src/app/page/contract/layer-stack.ts'
import { joinImagesAndLabels } from '../../../src/app/tasks/fashion-mnist/files.ts'
import { fashionMnist } from '../../../src/app/tasks/fashion-mnist/task.ts'
import { adam, openDevice, Sequential } from '../../../src/engine/index.ts'
import { type BuiltSite, root } from './built-site.ts'

const {
  classNames,
  inputShape: [imageExtent],
} = fashionMnist

/** A training of the page's, without a page: of the 4,000 images that are built into it. */
export async function trainedInNode(site: BuiltSite, recipe: TrainingRecipe) {
  const { images, epochs, batchSize } = recipe
  const files = ['images-idx3', 'labels-idx1'].map(
    (name) => `${root}src/app/data/fashion-mnist-subset/train-4000-${name}-ubyte.gz`,
  )
  const [pictures, labels] = await Promise.all(
    files.map(async (file) => gunzip(await readFile(file), 4000 * 784 + 16, file)),
  )
  const set = joinImagesAndLabels(pictures, labels)
  const { model, optimizer } = beginningOf(recipe)
  const device = await openDevice('cpu')
  await model.compile({ device, optimizer, metrics: ['accuracy'] })
  const samples = (data: Uint8Array, count: number) => ({
    data: data.subarray(0, count * imageExtent * imageExtent),
    shape: [count, imageExtent, imageExtent, 1],
    scale: 1 / 255,
  })
  const { epochs: log } = await model.fit(samples(set.images, images), set.labels.subarray(0, images), {
    batchSize,
    epochs,
    validationData: [samples(site.images.images, 1000), site.images.labels.subarray(0, 1000)],
  })
  return { model, log, device }
}

function beginningOf(recipe: TrainingRecipe) {
  const { images, epochs, batchSize, seed } = recipe
  if (!('layers' in recipe)) {
    const { network, optimizer } = recipes[recipe.network]
    return { model: network(seed), optimizer: optimizer(Math.ceil(images / batchSize), epochs) }
  }
  const { layers, learningRate } = recipe
  const architecture = architectureOf(layers, [imageExtent, imageExtent, 1], classNames.length, seed)
  return { model: new Sequential(architecture, architecture.layers), optimizer: adam({ learningRate }) }
}
