import { describe, expect, it } from 'vitest'
import { parseClassNames } from '../../../src/app/tasks/class-names.ts'
import { pictureModel, pictureTask } from '../../../src/app/tasks/picture-task.ts'
import { ArgumentError, FormatError, ShapeError } from '../../../src/engine/errors.ts'
import {
  activation,
  conv2d,
  dense,
  flatten,
  globalAveragePooling2d,
  openDevice,
  permute,
  sequential,
} from '../../../src/engine/index.ts'
import { explainerFor } from '../../../src/lime/index.ts'

/** The mean of each channel, as the network gets it: [N,height,width,channels] or, turned first, [N,channels,height,width]. */
function meansOf(layout: 'NHWC' | 'NCHW', channels: 1 | 3) {
  const inputShape = layout === 'NHWC' ? [2, 4, channels] : [channels, 2, 4]
  const turned = layout === 'NHWC' ? [] : [permute({ dims: [2, 3, 1] })]
  return sequential({ inputShape }, [...turned, globalAveragePooling2d()])
}

const picture = { data: Float32Array.from({ length: 24 }, (_, i) => [1, 0.5, 0.25][i % 3]), shape: [1, 2, 4, 3] }

async function answer(model: ReturnType<typeof pictureModel>, samples = picture): Promise<number[]> {
  const device = await openDevice('reference')
  await model.compile({ device })
  return Array.from((await model.predict(samples)).data)
}

describe('a network of pictures', () => {
  it.each(['NHWC', 'NCHW'] as const)(
    'gets its pixels scaled, channel by channel, in its own order: %s',
    async (layout) => {
      const model = meansOf(layout, 3)
      const mean = [1, 2, 3]
      const task = pictureTask(model, {}, { mean, std: [10], bgr: true, output: 'probabilities' })
      expect(task.layout).toEqual({ value: layout, source: `the shape of its input, [${model.inputShape}]` })
      expect(task.channels).toEqual({ value: 'bgr', source: '--bgr' })
      expect(task.preprocessing?.source).toBe('--mean, --std')
      const blueFirst = [0.25, 0.5, 1].map((value, channel) => (value * 255 - mean[channel]) / 10)
      const given = await answer(pictureModel(model, task))
      given.forEach((value, channel) => {
        expect(value).toBeCloseTo(blueFirst[channel], 4)
      })
    },
  )

  it.each([
    ['logits', [1, 0.5, 0.25].map((x) => Math.exp(x) / (Math.exp(1) + Math.exp(0.5) + Math.exp(0.25)))],
    ['log-probabilities', [1, 0.5, 0.25].map(Math.exp)],
    ['probabilities', [1, 0.5, 0.25]],
    ['sigmoid', [1, 0.5, 0.25]],
    ['values', [1, 0.5, 0.25]],
  ] as const)('gives probabilities of %s, and values as they are', async (output, expected) => {
    const model = meansOf('NHWC', 3)
    const given = await answer(pictureModel(model, pictureTask(model, {}, { scale: 1 / 255, output })))
    given.forEach((value, label) => {
      expect(value).toBeCloseTo(expected[label], 5)
    })
  })

  it('has two classes for one sigmoid', async () => {
    const model = meansOf('NHWC', 1)
    const names = { value: ['no', 'yes'], source: 'here' }
    const task = pictureTask(model, {}, { scale: 1 / 255, output: 'sigmoid', classNames: names })
    const given = await answer(pictureModel(model, task), { data: new Float32Array(8).fill(0.25), shape: [1, 2, 4, 1] })
    expect(given).toEqual([0.75, 0.25])
  })

  it('explains one sigmoid for both classes, by weights that are exact negatives', async () => {
    const model = meansOf('NHWC', 1)
    const two = pictureModel(model, pictureTask(model, {}, { scale: 1 / 255, output: 'sigmoid' }))
    await answer(two, { data: new Float32Array(8), shape: [1, 2, 4, 1] })
    const data = Float64Array.from({ length: 8 }, (_, i) => i / 9)
    const request = { version: 1, method: 'lime', samples: 60, labels: [0, 1], segmenter: { name: 'grid' } } as const
    const cells = { ...request, segmenter: { name: 'grid', parameters: { rows: 2, columns: 4 } }, hideColor: 0 }
    const { localExp, prediction } = await explainerFor(cells)({ data, shape: [2, 4, 1] }, two)
    expect(prediction[0] + prediction[1]).toBe(1)
    expect(localExp[0]).toEqual(localExp[1].map(([segment, weight]) => [segment, -weight]))
    expect(localExp[1][0][1]).toBeGreaterThan(0.05)
  })

  it('has one value alone as it is, whatever number it is, and is explained for it', async () => {
    const model = meansOf('NHWC', 1)
    const task = pictureTask(model, {}, { scale: 1, mean: [1000], output: 'values' })
    const ages = pictureModel(model, task)
    expect(ages.answers).toBe('values')
    expect(await answer(ages, { data: new Float32Array(8).fill(1), shape: [1, 2, 4, 1] })).toEqual([-745])
    const data = Float64Array.from({ length: 8 }, (_, i) => i / 8)
    const cells = { name: 'grid', parameters: { rows: 2, columns: 4 } } as const
    const request = { version: 1, method: 'lime', samples: 'exact', segmenter: cells, hideColor: 0 } as const
    const { prediction, localExp } = await explainerFor(request)({ data, shape: [2, 4, 1] }, ages)
    expect(prediction).toHaveLength(1)
    // The value is a sum of the pixels, an eighth of each: so are the weights, exactly.
    for (const [segment, weight] of localExp[0]) expect(weight).toBeCloseTo((255 * segment) / 64, 3)
  })
})

describe('what is known of a network', () => {
  const model = sequential({ inputShape: [8, 8, 3] }, [
    conv2d({ filters: 2, kernelSize: 3 }),
    flatten(),
    dense({ units: 4 }),
    activation('softmax'),
  ])
  const said = {
    preprocessing: { value: { scale: [1 / 127.5], offset: [-1] }, source: 'its metadata' },
    classNames: { value: ['a', 'b', 'c', 'd'], source: 'its metadata' },
  }

  it('comes from people before it comes from the file', () => {
    expect(pictureTask(model, said, {}).preprocessing).toEqual(said.preprocessing)
    expect(pictureTask(model, said, { scale: 2 }).preprocessing).toEqual({
      value: { scale: [2, 2, 2], offset: [-0, -0, -0] },
      source: '--scale',
    })
    expect(pictureTask(model, said, {}).output).toEqual({
      value: 'probabilities',
      source: 'its last operation, a softmax',
    })
  })

  it('stays unknown where nothing tells, and is asked for', () => {
    const task = pictureTask(model, {}, {})
    expect(task.preprocessing).toBeNull()
    expect(task.classNames).toBeNull()
    expect(() => pictureModel(model, task)).toThrow(/does not say how its network takes pixels: give --scale/)
  })

  it('refuses what does not fit', () => {
    const names = (count: number) => ({ value: Array.from({ length: count }, String), source: 'names.txt' })
    expect(() => pictureTask(model, {}, { classNames: names(7) })).toThrow(
      'names.txt: 7 names, and the network has 4 classes',
    )
    expect(() => pictureTask(model, {}, { classNames: names(5) })).toThrow(/one has a class for the background \(1,001/)
    expect(() => pictureTask(model, {}, { mean: [1, 2] })).toThrow(ArgumentError)
    expect(() => pictureTask(model, {}, { std: [1, 0, 1] })).toThrow(/--std: expected numbers > 0/)
    expect(() => pictureTask(model, {}, { scale: 0 })).toThrow(/--scale: expected another number than 0/)
    const rows = sequential({ inputShape: [8] }, [dense({ units: 2 })])
    expect(() => pictureTask(rows, {}, {})).toThrow(/which is no image/)
    expect(() =>
      rows.forPictures({ layout: 'NHWC', channels: 'rgb', scale: [1], offset: [0], output: 'logits' }),
    ).toThrow(ShapeError)
  })

  it.each([
    ['layout', { layout: 'CHW' }],
    ['channels', { channels: 'RGB' }],
    ['output', { output: undefined }],
    ['scale', { scale: 1 }],
    ['scale', { scale: [1, 2] }],
    ['offset', { offset: [0, Number.NaN, 0] }],
  ])('forPictures refuses conventions that there are not, by name: %s', (name, wrong) => {
    const right = { layout: 'NHWC', channels: 'rgb', scale: [1], offset: [0, 0, 0], output: 'logits' } as const
    const images = meansOf('NHWC', 3)
    expect(images.forPictures(right).inputShape).toEqual([2, 4, 3])
    const given = Object.assign({ ...right }, wrong)
    expect(() => images.forPictures(given)).toThrow(ArgumentError)
    expect(() => images.forPictures(given)).toThrow(name)
  })
})

it('reads names of classes, one a line or as JSON', () => {
  expect(parseClassNames('cat\r\ndog\n')).toEqual(['cat', 'dog'])
  expect(parseClassNames('0  cat\n1: 2 dogs')).toEqual(['cat', '2 dogs'])
  expect(parseClassNames('0 cats\n5 dogs')).toEqual(['0 cats', '5 dogs'])
  expect(parseClassNames('["cat", "dog"]')).toEqual(['cat', 'dog'])
  expect(parseClassNames('{"1": ["n2", "dog"], "0": ["n1", "cat"]}')).toEqual(['cat', 'dog'])
  for (const text of ['', '[1]', '{"0": "a", "2": "b"}', '[']) expect(() => parseClassNames(text)).toThrow(FormatError)
})
