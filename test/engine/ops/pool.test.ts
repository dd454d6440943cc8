import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { ShapeError } from '../../../src/engine/errors.ts'
import { avgPool, globalAveragePool, globalMaxPool, maxPool } from '../../../src/engine/ops/pool.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { constant, Input, type Tensor } from '../../../src/engine/tensor.ts'

const device = new ReferenceDevice()

/** 1, 2, 3, … in an image of one channel. */
function counting(height: number, width: number): Tensor {
  const values = Array.from({ length: height * width }, (_, i) => i + 1)
  return constant(values, [1, height, width, 1])
}

async function rowsOf(y: Tensor): Promise<number[][]> {
  const { values } = await compute(device, { outputs: { values: y } })
  const width = y.shape[2]
  return Array.from({ length: y.shape[1] }, (_, row) =>
    Array.from(values.slice(row * width, (row + 1) * width), (value) => Number(value.toFixed(4))),
  )
}

// The numbers are those of onnx/backend/test/case/node/maxpool.py and averagepool.py, by the names of their tests.
describe("pooling gives the numbers of ONNX's examples", () => {
  it('maxpool_2d_precomputed_pads', async () => {
    expect(await rowsOf(maxPool(counting(5, 5), { poolSize: 5, strides: 1, padding: 2 }))).toEqual([
      [13, 14, 15, 15, 15],
      [18, 19, 20, 20, 20],
      [23, 24, 25, 25, 25],
      [23, 24, 25, 25, 25],
      [23, 24, 25, 25, 25],
    ])
  })

  it('maxpool_2d_ceil', async () => {
    expect(await rowsOf(maxPool(counting(4, 4), { poolSize: 3, strides: 2, ceilMode: true }))).toEqual([
      [11, 12],
      [15, 16],
    ])
  })

  it('maxpool_2d_dilations', async () => {
    expect(await rowsOf(maxPool(counting(4, 4), { poolSize: 2, strides: 1, dilation: 2 }))).toEqual([
      [11, 12],
      [15, 16],
    ])
  })

  it('averagepool_2d_precomputed_pads', async () => {
    expect(await rowsOf(avgPool(counting(5, 5), { poolSize: 5, strides: 1, padding: 2 }))).toEqual([
      [7, 7.5, 8, 8.5, 9],
      [9.5, 10, 10.5, 11, 11.5],
      [12, 12.5, 13, 13.5, 14],
      [14.5, 15, 15.5, 16, 16.5],
      [17, 17.5, 18, 18.5, 19],
    ])
  })

  it('averagepool_2d_precomputed_pads_count_include_pad', async () => {
    const options = { poolSize: 5, strides: 1, padding: 2, countIncludePad: true }
    expect(await rowsOf(avgPool(counting(5, 5), options))).toEqual([
      [2.52, 3.6, 4.8, 4.08, 3.24],
      [4.56, 6.4, 8.4, 7.04, 5.52],
      [7.2, 10, 13, 10.8, 8.4],
      [6.96, 9.6, 12.4, 10.24, 7.92],
      [6.12, 8.4, 10.8, 8.88, 6.84],
    ])
  })

  it('averagepool_2d_ceil: what a last window has beyond the image is not counted', async () => {
    for (const countIncludePad of [false, true])
      expect(
        await rowsOf(avgPool(counting(4, 4), { poolSize: 3, strides: 2, ceilMode: true, countIncludePad })),
      ).toEqual([
        [6, 7.5],
        [12, 13.5],
      ])
  })

  it('averagepool_2d_ceil_last_window_starts_on_pad: such a window is left out', async () => {
    const x = constant([0.858, 0.0786, 0.2692, 0.1537], [1, 2, 2, 1])
    const options = { poolSize: 3, strides: 3, padding: 1, ceilMode: true, countIncludePad: true }
    expect(await rowsOf(avgPool(x, options))).toEqual([[0.1511]])
  })
})

describe('pooling', () => {
  it('counts the padding after the image, and nothing beyond it, in a last window', async () => {
    // Rows 2..5 of 4 rows and one of padding: two of the image, one of zeros, and one beyond.
    const y = avgPool(counting(4, 1), {
      poolSize: [4, 1],
      strides: 2,
      padding: [
        [0, 1],
        [0, 0],
      ],
      ceilMode: true,
      countIncludePad: true,
    })
    expect(await rowsOf(y)).toEqual([[2.5], [Number((7 / 3).toFixed(4))]])
  })

  it('with padding less than any number never takes it for the maximum', async () => {
    const x = constant(-1e30, [1, 2, 2, 1])
    expect(await rowsOf(maxPool(x, { poolSize: 3, strides: 1, padding: 1 }))).toEqual([
      [-1e30, -1e30],
      [-1e30, -1e30],
    ])
  })

  it('is refused where a window lies wholly in the padding: there is neither a maximum nor a mean', () => {
    const x = new Input('x', [1, 4, 5, 1])
    const wide = { poolSize: 2, strides: 1, padding: [0, 2] } as const
    const message = 'the windows of column 0 lie wholly in the padding of images of [4,5] pixels; use less padding'
    expect(() => maxPool(x, wide)).toThrow(new ShapeError(`maxPool: ${message}`))
    expect(() => avgPool(x, wide)).toThrow(new ShapeError(`avgPool: ${message}`))
    expect(avgPool(x, { ...wide, countIncludePad: true }).shape).toEqual([1, 3, 8, 1])
    // Places two pixels apart, on both sides of an image of one pixel.
    const narrow = new Input('x', [1, 1, 1, 1])
    expect(() => maxPool(narrow, { poolSize: 2, strides: 1, padding: 1, dilation: 2 })).toThrow(ShapeError)
  })

  it('keeps what a step says of itself as short as it was, where options are left out', () => {
    const { attributes } = avgPool(new Input('x', [1, 4, 4, 1]))
    expect(Object.keys(attributes)).toEqual([
      'windowHeight',
      'windowWidth',
      'strideY',
      'strideX',
      'padTop',
      'padLeft',
      'outHeight',
      'outWidth',
    ])
  })

  it('of whole images takes images only', () => {
    const x = new Input('x', [4, 5])
    expect(() => globalAveragePool(x)).toThrow(
      new ShapeError('globalAveragePool: expected images [N,H,W,C], got shape [4,5]'),
    )
    expect(() => globalMaxPool(x)).toThrow(ShapeError)
  })
})
