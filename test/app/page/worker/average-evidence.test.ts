import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ImageSet } from '../../../../src/app/data/image-set.ts'
import { tutorialArchitecture } from '../../../../src/app/networks/tutorial.ts'
import { cellOf } from '../../../../src/app/page/contract/evidence-cells.ts'
import { averageEvidence, gridColumns, gridRows } from '../../../../src/app/page/worker/average-evidence.ts'
import { readSplit } from '../../../../src/app/tasks/fashion-mnist/files.ts'
import { fashionMnist } from '../../../../src/app/tasks/fashion-mnist/task.ts'
import {
  conv2d,
  type Device,
  dense,
  flatten,
  loadModel,
  type Model,
  openDevice,
  sequential,
} from '../../../../src/engine/index.ts'
import { grid, ShapleyImageExplainer } from '../../../../src/lime/index.ts'

const {
  classNames,
  inputShape: [imageExtent],
} = fashionMnist

const root = new URL('../../../../', import.meta.url).pathname
const data = `${root}src/app/data/fashion-mnist/`
const size = imageExtent * imageExtent
const perClass = 2

let images: ImageSet
let device: Device
let model: Model

beforeAll(async () => {
  images = await readSplit(
    'test',
    await readFile(`${data}t10k-images-idx3-ubyte.gz`),
    await readFile(`${data}t10k-labels-idx1-ubyte.gz`),
  )
  device = await openDevice('cpu')
  model = await loadModel(`${root}models/fashion-cnn.safetensors`, { fallback: tutorialArchitecture(0) })
  await model.compile({ device })
})
afterAll(() => {
  model.dispose()
  device.dispose()
})

const pixelsOf = (index: number) => images.images.slice(index * size, (index + 1) * size)
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

function firstImages(count: number): ImageSet {
  return { ...images, images: images.images.slice(0, count * size), labels: images.labels.slice(0, count), count }
}

async function predicted(pixels: Uint8Array, by = model): Promise<number[]> {
  const { data } = await by.predict({ data: pixels, shape: [1, imageExtent, imageExtent, 1], scale: 1 / 255 })
  return Array.from(data)
}

/** As they are numbered, one by one. */
async function firstRightlyCalled(label: number): Promise<number[]> {
  const found: number[] = []
  for (let index = 0; found.length < perClass; index++) {
    if (images.labels[index] !== label) continue
    const probabilities = await predicted(pixelsOf(index))
    if (probabilities.indexOf(Math.max(...probabilities)) === label) found.push(index)
  }
  return found
}

describe('the average evidence', () => {
  it('is the mean of single explanations of the first images that the network gets right', async () => {
    const told: [number, number][] = []
    const onProgress = (done: number, total: number) => told.push([done, total])
    const evidence = await averageEvidence(model, images, { perClass, onProgress })
    expect(structuredClone(evidence)).toEqual(evidence)
    expect(evidence).toMatchObject({ rows: gridRows, columns: gridColumns, of: 'logit' })
    expect(evidence.classes.map(({ label, count }) => [label, count])).toEqual(classNames.map((_, i) => [i, perClass]))
    const total = perClass * classNames.length
    expect(told).toEqual(Array.from({ length: total + 1 }, (_, done) => [done, total]))

    for (const { label, mean: meanImage, weights, agreement } of evidence.classes) {
      const chosen = await firstRightlyCalled(label)
      const single: number[][] = []
      for (const index of chosen) {
        const image = { data: Float64Array.from(pixelsOf(index), (value) => value / 255), shape: [28, 28, 1] }
        const explanation = await new ShapleyImageExplainer().explainInstance(image, model, {
          segmentationFn: grid({ rows: gridRows, columns: gridColumns }),
          of: 'logit',
          hideColor: 0,
          topLabels: classNames.length,
        })
        const byCell = classNames.map((_, each) => new Map(explanation.weightsOf(each)))
        single.push(
          Array.from(weights, (_, cell) => {
            const all = byCell.map((map) => map.get(cell) ?? Number.NaN)
            return all[label] - mean(all)
          }),
        )
      }
      for (let cell = 0; cell < weights.length; cell++) {
        const own = single.map((each) => each[cell])
        expect(weights[cell]).toBeCloseTo(mean(own), 9)
        const agreeing = own.filter((value) => Math.sign(value) === Math.sign(weights[cell]))
        expect(agreement[cell]).toBe(agreeing.length / perClass)
      }
      for (let pixel = 0; pixel < size; pixel++)
        expect(meanImage[pixel]).toBeCloseTo(mean(chosen.map((index) => pixelsOf(index)[pixel] / 255)), 6)
    }
  })

  it('adds up to what the images give their class beyond a black picture', async () => {
    // A logit less the mean of all: probabilities alone say it.
    const centred = async (pixels: Uint8Array, label: number) => {
      const logits = (await predicted(pixels)).map(Math.log)
      return logits[label] - mean(logits)
    }
    const { classes } = await averageEvidence(model, firstImages(60), { perClass: 1 })
    expect(classes.filter(({ count }) => count === 1).length).toBeGreaterThan(5)
    for (const { label, count, weights } of classes) {
      if (count === 0) continue
      const [index] = await firstRightlyCalled(label)
      const expected = (await centred(pixelsOf(index), label)) - (await centred(new Uint8Array(size), label))
      expect(Math.abs(mean(Array.from(weights)) * weights.length - expected)).toBeLessThan(1e-3)
    }
  })

  it('of a class without images is empty', async () => {
    const { classes } = await averageEvidence(model, firstImages(1), { perClass })
    expect(classes.map(({ count }) => count)).toEqual(
      classNames.map((_, label) => (label === images.labels[0] ? 1 : 0)),
    )
    const { mean: meanImage, weights, agreement } = classes[images.labels[0] === 0 ? 1 : 0]
    for (const values of [meanImage, weights, agreement]) expect(values.every((value) => value === 0)).toBe(true)
  })

  it('is about probabilities where a network sees too far for tables of its logits', async () => {
    const far = sequential({ inputShape: [imageExtent, imageExtent, 1], seed: 3 }, [
      conv2d({ filters: 2, kernelSize: 9, padding: 'same', activation: 'relu' }),
      conv2d({ filters: 2, kernelSize: 9, padding: 'same', activation: 'relu' }),
      flatten(),
      dense({ units: classNames.length, activation: 'softmax' }),
    ])
    await far.compile({ device })
    try {
      // Untrained, so it is asked about what it calls so itself.
      const probabilities = await predicted(pixelsOf(0), far)
      const label = probabilities.indexOf(Math.max(...probabilities))
      const set = { ...firstImages(1), labels: Uint8Array.of(label) }
      const { of, classes } = await averageEvidence(far, set, { perClass })
      expect(of).toBe('probability')
      const { count, weights } = classes[label]
      expect(count).toBe(1)
      const expected = probabilities[label] - (await predicted(new Uint8Array(size), far))[label]
      expect(mean(Array.from(weights)) * weights.length).toBeCloseTo(expected, 5)
    } finally {
      far.dispose()
    }
  })

  it('stops when told to, and can be asked again', async () => {
    const controller = new AbortController()
    const reason = new Error('that was enough')
    const onProgress = (done: number) => done === 1 && controller.abort(reason)
    const asked = averageEvidence(model, images, { perClass, signal: controller.signal, onProgress })
    await expect(asked).rejects.toBe(reason)
    await expect(averageEvidence(model, images, { signal: controller.signal })).rejects.toBe(reason)
    const { classes } = await averageEvidence(model, firstImages(1), { perClass: 1 })
    expect(classes[images.labels[0]].count).toBe(1)
  })

  it.each([0, 1.5, Number.NaN])('does not take %d images of each class', async (perClass) => {
    await expect(averageEvidence(model, images, { perClass })).rejects.toThrow('perClass must be a positive integer')
  })

  it('says which classes it is about', async () => {
    const three = sequential({ inputShape: [imageExtent, imageExtent, 1] }, [
      flatten(),
      dense({ units: 3, activation: 'softmax' }),
    ])
    await expect(averageEvidence(three, images)).rejects.toThrow("the model's output is [3]")
  })

  it.each([
    [gridRows, gridColumns],
    [3, 5],
  ])('numbers %d x %d cells as the grid does', async (rows, columns) => {
    const image = { data: new Uint8Array(size), shape: [28, 28, 1], height: imageExtent, width: imageExtent }
    const { data: cells } = await grid({ rows, columns })({ ...image, channels: 1 }, { randomSeed: 0 })
    expect(Array.from(cells, (_, pixel) => cellOf(pixel, rows, columns))).toEqual(Array.from(cells))
  })
})
