import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import type { Device } from '../../../src/engine/device.ts'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import {
  dropout,
  gaussianDropout,
  gaussianNoise,
  type LayerDescription,
  randomCrop,
  randomFlip,
  randomTranslation,
  spatialDropout2d,
} from '../../../src/engine/model/layers/public.ts'
import { sequentialNetwork } from '../../../src/engine/model/sequential.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input } from '../../../src/engine/tensor.ts'
import { largestError } from '../../reference-tensors.ts'
import { numbers } from '../device-suite.ts'

/** Layers that are random in training, each image of a batch by itself. */

const [count, height, width, channels] = [300, 5, 6, 2]
const inputShape = [height, width, channels]
const size = height * width * channels
const x = numbers([count, ...inputShape], 3)
const [cpu, reference] = [new CpuDevice({ threads: 1 }), new ReferenceDevice()]

/** What layers make of all images in the training step of this number, or in use. */
async function made(layers: LayerDescription | LayerDescription[], step: number | null, device: Device = cpu) {
  const network = sequentialNetwork({ inputShape, seed: 11 }, [layers].flat())
  const context = { training: step !== null, position: new Input('position', [1], 'i32') }
  const [y] = network.apply([new Input('x', [count, ...inputShape])], [], context).outputs
  return (await compute(device, { outputs: { y } }, { x, position: Int32Array.of(step ?? 0) })).y
}

const imageOf = (data: ArrayLike<number>, n: number) => Array.from({ length: size }, (_, i) => data[n * size + i])

/** An image whose pixel at row and column is another one's of the same image; where that is none, 0. */
function moved(n: number, source: (row: number, column: number) => readonly [number, number] | null): number[] {
  return Array.from({ length: size }, (_, i) => {
    const [row, column] = [Math.floor(i / (width * channels)), Math.floor(i / channels) % width]
    const from = source(row, column)
    return from ? x[n * size + (from[0] * width + from[1]) * channels + (i % channels)] : 0
  })
}

/** How often each of these pictures of an image is what was made of it; all images must be one of them. */
function counted(data: ArrayLike<number>, pictures: (n: number) => readonly number[][]): number[] {
  const counts: number[] = []
  for (let n = 0; n < count; n++) {
    const seen = imageOf(data, n).join()
    const which = pictures(n).findIndex((picture) => picture.join() === seen)
    expect(which, `image ${n}`).toBeGreaterThanOrEqual(0)
    counts[which] = (counts[which] ?? 0) + 1
  }
  return counts
}

/** Whether counts of equally probable cases are as chance has it: within four standard deviations. */
function expectEven(counts: readonly number[], cases: number): void {
  expect(counts).toHaveLength(cases)
  const expected = count / cases
  for (const found of counts) expect(Math.abs(found - expected)).toBeLessThan(4 * Math.sqrt(expected))
}

const layers: [string, LayerDescription][] = [
  ['randomFlip', randomFlip()],
  ['randomTranslation', randomTranslation({ heightFactor: 0.4, widthFactor: 0.2 })],
  ['spatialDropout2d', spatialDropout2d({ rate: 0.4 })],
  ['dropout', dropout({ rate: 0.4 })],
  ['gaussianNoise', gaussianNoise({ stddev: 0.5 })],
  ['gaussianDropout', gaussianDropout({ rate: 0.3 })],
]

describe.each(layers)('%s', (_name, layer) => {
  it('does nothing in use', async () => {
    expect(await made(layer, null)).toEqual(x)
  })

  it('draws anew with each step, the same for the same step on every device', async () => {
    const first = await made(layer, 1)
    expect(await made(layer, 1)).toEqual(first)
    expect(await made(layer, 2)).not.toEqual(first)
    const scale = Math.max(...first.map((value, i) => (x[i] === 0 ? 0 : Math.abs(value / x[i]))))
    expect(largestError(first, await made(layer, 1, reference))).toBeLessThanOrEqual(1e-6 * scale)
  })

  it('is another one where it stands twice', async () => {
    const changed = (data: ArrayLike<number>) =>
      Array.from({ length: count }, (_, n) => imageOf(data, n).join() !== imageOf(x, n).join())
    const none = randomTranslation({ heightFactor: 0, widthFactor: 0 })
    const [first, second] = [await made([layer, none], 1), await made([none, layer], 1)]
    if (changed(first).every(Boolean)) expect(first).not.toEqual(second)
    else expect(changed(first)).not.toEqual(changed(second))
  })
})

describe('images', () => {
  it.each([
    ['horizontal', 1, 2],
    ['vertical', 2, 1],
    ['horizontalAndVertical', 2, 2],
  ] as const)('are seen in mirrors, %s, half of the time', async (mode, rows, columns) => {
    const counts = counted(await made(randomFlip({ mode }), 7), (n) =>
      Array.from({ length: rows * columns }, (_, k) => {
        const [upside, aside] = [Math.floor(k / columns), k % columns]
        return moved(n, (row, column) => [upside ? height - 1 - row : row, aside ? width - 1 - column : column])
      }),
    )
    expectEven(counts, rows * columns)
  })

  const mirrored = (at: number, extent: number) => (at < 0 ? -at : at >= extent ? 2 * (extent - 1) - at : at)
  const nearest = (at: number, extent: number) => Math.min(Math.max(at, 0), extent - 1)
  it.each([
    ['reflect', (at: number, extent: number) => mirrored(at, extent)],
    ['nearest', (at: number, extent: number) => nearest(at, extent)],
    ['constant', (at: number, extent: number) => (at < 0 || at >= extent ? null : at)],
  ] as const)('are moved by any distance up to the largest, filled up by %s', async (fillMode, from) => {
    // Up to two of five rows, one of six columns.
    const layer = randomTranslation({ heightFactor: 0.4, widthFactor: 0.17, fillMode })
    const counts = counted(await made(layer, 5), (n) =>
      Array.from({ length: 15 }, (_, k) => {
        const [down, right] = [Math.floor(k / 3) - 2, (k % 3) - 1]
        return moved(n, (row, column) => {
          const [y, x] = [from(row + down, height), from(column + right, width)]
          return y === null || x === null ? null : [y, x]
        })
      }),
    )
    expectEven(counts, 15)
  })

  it('lose whole channels by spatial dropout, and the others are larger by as much', async () => {
    const rate = 0.25
    const data = await made(spatialDropout2d({ rate }), 3)
    let dropped = 0
    for (let n = 0; n < count; n++)
      for (let c = 0; c < channels; c++) {
        const own = (from: ArrayLike<number>) => imageOf(from, n).filter((_, i) => i % channels === c)
        const [after, before] = [own(data), own(x)]
        if (after.every((value) => value === 0)) dropped++
        else
          expect(
            largestError(
              after,
              before.map((value) => value / (1 - rate)),
            ),
          ).toBeLessThan(1e-6)
      }
    const all = count * channels
    expect(Math.abs(dropped - rate * all)).toBeLessThan(4 * Math.sqrt(rate * (1 - rate) * all))
  })

  it('are cut out of by chance in training, each place being as probable, and in the middle in use', async () => {
    const layer = randomCrop({ height: 3, width: 4 })
    const cut = (n: number, down: number, right: number) =>
      Array.from({ length: 3 * 4 * channels }, (_, i) => {
        const [row, column] = [Math.floor(i / (4 * channels)), Math.floor(i / channels) % 4]
        return x[n * size + ((row + down) * width + column + right) * channels + (i % channels)]
      })
    const partOf = (data: ArrayLike<number>, n: number) =>
      Array.from({ length: 3 * 4 * channels }, (_, i) => data[n * 3 * 4 * channels + i])
    const inMiddle = await made(layer, null)
    for (let n = 0; n < count; n++) expect(partOf(inMiddle, n)).toEqual(cut(n, 1, 1))
    const counts = new Array<number>(9).fill(0)
    const [first, again, next] = [await made(layer, 4), await made(layer, 4), await made(layer, 5)]
    expect(again).toEqual(first)
    expect(next).not.toEqual(first)
    for (let n = 0; n < count; n++) {
      const seen = partOf(first, n).join()
      const which = counts.findIndex((_, k) => cut(n, Math.floor(k / 3), k % 3).join() === seen)
      expect(which, `image ${n}`).toBeGreaterThanOrEqual(0)
      counts[which]++
    }
    expectEven(counts, 9)
    expect(largestError(first, await made(layer, 4, reference))).toBeLessThanOrEqual(1e-6)
    expect(() => sequentialNetwork({ inputShape }, [randomCrop({ height: 6, width: 2 })])).toThrow(
      new ShapeError('randomCrop (layer 1): images of 5 x 6 pixels have no part of 6 x 2'),
    )
  })

  it.each([
    ['gaussianNoise', gaussianNoise({ stddev: 0.5 }), (y: number, value: number) => (y - value) / 0.5],
    [
      'gaussianDropout',
      gaussianDropout({ rate: 0.2 }),
      (y: number, value: number) => (y / value - 1) / Math.sqrt(0.2 / 0.8),
    ],
  ] as const)('are disturbed by %s as a normal distribution has it', async (_name, layer, noiseOf) => {
    const data = await made(layer, 6)
    // Where there is next to nothing to multiply, rounding says more than the noise.
    const noise = Array.from(data, (y, i) => noiseOf(y, x[i])).filter((_, i) => Math.abs(x[i]) > 0.01)
    const within = (most: number) => noise.filter((value) => Math.abs(value) < most).length / noise.length
    const deviation = Math.sqrt(1 / noise.length)
    const moment = (power: number) => noise.reduce((sum, value) => sum + value ** power, 0) / noise.length
    expect(Math.abs(moment(1))).toBeLessThan(4 * deviation)
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2) * deviation)
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15) * deviation)
    for (const [most, share] of [
      [0.5, 0.38292],
      [1, 0.68269],
      [2, 0.9545],
    ])
      expect(Math.abs(within(most) - share)).toBeLessThan(4 * Math.sqrt(share * (1 - share)) * deviation)
  })

  it('are what these layers take, and options what they know', () => {
    const build = (layer: LayerDescription, shape = inputShape) => sequentialNetwork({ inputShape: shape }, [layer])
    for (const [, layer] of layers.slice(0, 3)) expect(() => build(layer, [8])).toThrow(ShapeError)
    expect(() => build(randomTranslation({ heightFactor: 1, widthFactor: 0 }))).toThrow(
      /images of 5 x 6 pixels can't be moved by 5 and 0 and mirrored/,
    )
    const outOfSight = build(randomTranslation({ heightFactor: 1, widthFactor: 1, fillMode: 'constant' }))
    expect(outOfSight.outputs.map(({ shape }) => shape)).toEqual([inputShape])
    expect(() => build(randomTranslation({ heightFactor: 1.5, widthFactor: 0 }))).toThrow(ArgumentError)
    expect(() => build(randomFlip({ mode: 'diagonal' as 'vertical' }))).toThrow(ArgumentError)
    expect(() => build(spatialDropout2d({ rate: 1 }))).toThrow(ArgumentError)
  })
})
