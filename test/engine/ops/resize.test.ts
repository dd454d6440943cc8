import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import { ops } from '../../../src/engine/ops/public.ts'
import { type ResizeOptions, resize } from '../../../src/engine/ops/resize.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Constant, constant, Input, type Tensor } from '../../../src/engine/tensor.ts'

const device = new ReferenceDevice()

/** 1, 2, 3, … in an image of one channel. */
function counting(height: number, width: number): Tensor {
  const values = Array.from({ length: height * width }, (_, i) => i + 1)
  return constant(values, [1, height, width, 1])
}

async function rowsOf(x: Tensor, options: ResizeOptions): Promise<number[][]> {
  const y = resize(x, options)
  const { values } = await compute(device, { outputs: { values: y } })
  const width = y.shape[2]
  return Array.from({ length: y.shape[1] }, (_, row) =>
    Array.from(values.slice(row * width, (row + 1) * width), (value) => Number(value.toFixed(6))),
  )
}

// The numbers are those of onnx/backend/test/case/node/resize.py, by the names of its tests.
describe("resize gives the numbers of ONNX's examples", () => {
  it('resize_upsample_scales_nearest', async () => {
    expect(await rowsOf(counting(2, 2), { scales: [2, 3] })).toEqual([
      [1, 1, 1, 2, 2, 2],
      [1, 1, 1, 2, 2, 2],
      [3, 3, 3, 4, 4, 4],
      [3, 3, 3, 4, 4, 4],
    ])
  })

  it('resize_downsample_scales_nearest', async () => {
    expect(await rowsOf(counting(2, 4), { scales: 0.6 })).toEqual([[1, 3]])
  })

  it('resize_upsample_scales_linear', async () => {
    expect(await rowsOf(counting(2, 2), { scales: 2, mode: 'bilinear' })).toEqual([
      [1, 1.25, 1.75, 2],
      [1.5, 1.75, 2.25, 2.5],
      [2.5, 2.75, 3.25, 3.5],
      [3, 3.25, 3.75, 4],
    ])
  })

  it('resize_upsample_scales_linear_align_corners', async () => {
    const options = { scales: 2, mode: 'bilinear', coordinates: 'alignCorners' } as const
    expect(await rowsOf(counting(2, 2), options)).toEqual([
      [1, 1.333333, 1.666667, 2],
      [1.666667, 2, 2.333333, 2.666667],
      [2.333333, 2.666667, 3, 3.333333],
      [3, 3.333333, 3.666667, 4],
    ])
  })

  it('resize_downsample_scales_linear', async () => {
    expect(await rowsOf(counting(2, 4), { scales: 0.6, mode: 'bilinear' })).toEqual([[2.666667, 4.333333]])
  })

  it('resize_downsample_scales_linear_align_corners', async () => {
    const options = { scales: 0.6, mode: 'bilinear', coordinates: 'alignCorners' } as const
    expect(await rowsOf(counting(2, 4), options)).toEqual([[1, 3.142857]])
  })

  it('resize_downsample_scales_linear_half_pixel_symmetric', async () => {
    const options = { scales: [1, 0.6], mode: 'bilinear', coordinates: 'halfPixelSymmetric' } as const
    expect(await rowsOf(counting(1, 4), options)).toEqual([[1.666667, 3.333333]])
  })

  it('resize_upsample_scales_linear_half_pixel_symmetric', async () => {
    const options = { scales: [2.3, 2.94], mode: 'bilinear', coordinates: 'halfPixelSymmetric' } as const
    expect(await rowsOf(counting(2, 2), options)).toEqual([
      [1, 1.159864, 1.5, 1.840136, 2],
      [1.565217, 1.725081, 2.065217, 2.405353, 2.565217],
      [2.434783, 2.594647, 2.934783, 3.274919, 3.434783],
      [3, 3.159864, 3.5, 3.840136, 4],
    ])
  })

  it('resize_upsample_scales_cubic_asymmetric', async () => {
    const options = { scales: [1, 2], mode: 'bicubic', coordinates: 'asymmetric' } as const
    const [row] = await rowsOf(counting(1, 4), options)
    expect(row).toEqual([1, 1.40625, 2, 2.5, 3, 3.59375, 4, 4.09375])
  })

  it('resize_downsample_scales_cubic_A_n0p5_exclude_outside', async () => {
    const options = { scales: 0.8, mode: 'bicubic', cubicCoefficient: -0.5, excludeOutside: true } as const
    expect(await rowsOf(counting(4, 4), options)).toEqual([
      [1.368127, 2.669501, 4.013337],
      [6.573625, 7.875, 9.218835],
      [11.948967, 13.250341, 14.594177],
    ])
  })

  it('resize_upsample_sizes_nearest', async () => {
    const [upper, lower] = [
      [1, 1, 1, 1, 2, 2, 2, 2],
      [3, 3, 3, 3, 4, 4, 4, 4],
    ]
    expect(await rowsOf(counting(2, 2), { size: [7, 8] })).toEqual([upper, upper, upper, upper, lower, lower, lower])
  })

  it('resize_downsample_sizes_linear_pytorch_half_pixel', async () => {
    const options = { size: [3, 1], mode: 'bilinear', coordinates: 'pytorchHalfPixel' } as const
    expect(await rowsOf(counting(4, 4), options)).toEqual([[1.666667], [7], [12.333333]])
  })

  it.each([
    ['resize_upsample_sizes_nearest_floor_align_corners', 'alignCorners', 'floor', [0, 0, 0, 1, 1, 2, 2, 3]],
    [
      'resize_upsample_sizes_nearest_round_prefer_ceil_asymmetric',
      'asymmetric',
      'roundPreferCeil',
      [0, 1, 1, 2, 2, 3, 3, 3],
    ],
    ['resize_upsample_sizes_nearest_ceil_half_pixel', 'halfPixel', 'ceil', [0, 1, 1, 2, 2, 3, 3, 3]],
  ] as const)('%s', async (_name, coordinates, rounding, picked) => {
    expect(await rowsOf(counting(4, 4), { size: 8, coordinates, rounding })).toEqual(
      picked.map((row) => picked.map((column) => 4 * row + column + 1)),
    )
  })
})

describe('resize', () => {
  it('picks the pixel that whole numbers say where a place is half-way between two', () => {
    for (let extent = 1; extent <= 40; extent++)
      for (let outputs = 1; outputs <= 40; outputs++) {
        const [, rows] = resize(new Input('x', [1, extent, 1, 1]), { size: [outputs, 1] }).inputs
        const picked = rows instanceof Constant && typeof rows.values !== 'number' ? Array.from(rows.values) : []
        // ceil((2i + 1) n / 2m - 1), of whole numbers.
        const expected = Array.from({ length: outputs }, (_, i) => {
          const numerator = BigInt((2 * i + 1) * extent - 2 * outputs)
          const denominator = BigInt(2 * outputs)
          const ceiling = numerator > 0n ? (numerator + denominator - 1n) / denominator : numerator / denominator
          return Math.min(Math.max(Number(ceiling), 0), extent - 1)
        })
        expect(picked, `${extent} to ${outputs}`).toEqual(expected)
      }
  })

  it('lets no pixel reach where it has no share, infinite ones neither', async () => {
    const x = constant([1, Number.POSITIVE_INFINITY, 3], [1, 1, 3, 1])
    const options = { size: [1, 5], mode: 'bilinear', coordinates: 'alignCorners' } as const
    const { y } = await compute(device, { outputs: { y: resize(x, options) } })
    expect([...y]).toEqual([1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 3])
  })

  it('says what it needs', () => {
    const x = new Input('x', [1, 4, 6, 2])
    expect(() => resize(new Input('x', [4, 6, 2]), { size: 2 })).toThrow(
      new ShapeError('resize: expected images [N,H,W,C], got shape [4,6,2]'),
    )
    expect(() => resize(x, { scales: 0.2 })).toThrow(
      new ShapeError("resize: images of [4,6] pixels can't be made ones of [0,1]; a side has 1 to 65536"),
    )
    expect(() => resize(x, { size: [2 ** 31, 1] })).toThrow(ShapeError)
    const either = new ArgumentError('resize: give either a size, in pixels, or scales')
    expect(() => resize(x, {})).toThrow(either)
    expect(() => resize(x, { size: 3, scales: 2 })).toThrow(either)
    expect(() => ops.resize(x, { size: 0 })).toThrow(ArgumentError)
    expect(() => ops.resize(x, { scales: [1, -1] })).toThrow(
      'ops.resize: scales must be a number > 0 or two, [vertical, horizontal], not [1, -1]',
    )
    // @ts-expect-error there is no such mode
    expect(() => ops.resize(x, { size: 2, mode: 'cubic' })).toThrow(/mode must be 'nearest', 'bilinear' or 'bicubic'/)
  })
})
