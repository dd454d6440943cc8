import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import { gradients } from '../../../src/engine/gradients.ts'
import type { Conv2dTransposeOptions } from '../../../src/engine/ops/conv2d-transpose.ts'
import { ops } from '../../../src/engine/ops/public.ts'
import { makePlan } from '../../../src/engine/plan/plan.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Constant, constant, Input, type Shape, sizeOf, type Tensor } from '../../../src/engine/tensor.ts'

/** Constants 1, 2, 3, … */
const counted = (shape: Shape) =>
  new Constant(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => i + 1),
    shape,
  )

async function valuesOf(y: Tensor): Promise<number[]> {
  const results = await Promise.all(
    [new ReferenceDevice(), new CpuDevice({ threads: 1 })].map(async (device) => {
      const { y: values } = await compute(device, { outputs: { y } })
      device.dispose()
      return Array.from(values)
    }),
  )
  expect(results[1]).toEqual(results[0])
  return results[0]
}

describe('conv2d, worked out by hand', () => {
  const x = counted([1, 3, 3, 1])
  const kernel = counted([2, 2, 1, 1])

  it('sees pixels apart where it is dilated', async () => {
    // 1·1 + 2·3 + 3·7 + 4·9
    expect(await valuesOf(ops.conv2d(x, kernel, { dilation: 2 }))).toEqual([64])
  })

  it('sees zeros where it is padded in pixels', async () => {
    // PyTorch's F.conv2d(x, k, padding=1, dilation=2): each tap meets a pixel in one row and one column, or two.
    const y = ops.conv2d(x, kernel, { padding: 1, dilation: 2 })
    expect(await valuesOf(y)).toEqual([
      4 * 5,
      3 * 4 + 4 * 6,
      3 * 5,
      2 * 2 + 4 * 8,
      64,
      1 * 2 + 3 * 8,
      2 * 5,
      1 * 4 + 2 * 6,
      5,
    ])
    expect(
      await valuesOf(
        ops.conv2d(x, kernel, {
          padding: [
            [1, 0],
            [0, 0],
          ],
          strides: 2,
        }),
      ),
    ).toEqual([3 * 1 + 4 * 2, 1 * 4 + 2 * 5 + 3 * 7 + 4 * 8])
  })

  it('has filters of its own for each group of channels', async () => {
    const pixel = counted([1, 1, 1, 4])
    // Filters 0 and 1 see channels 1 and 2; filters 2 and 3 see channels 3 and 4.
    const expected = [1 * 1 + 2 * 5, 1 * 2 + 2 * 6, 3 * 3 + 4 * 7, 3 * 4 + 4 * 8]
    expect(await valuesOf(ops.conv2d(pixel, counted([1, 1, 2, 4]), { groups: 2 }))).toEqual(expected)
  })

  it('is depthwise where groups are channels', async () => {
    const pixel = counted([1, 1, 1, 2])
    const y = ops.conv2d(pixel, counted([1, 1, 1, 6]), { groups: 2 })
    expect(y.operation.name).toBe('depthwiseConv2d')
    expect(await valuesOf(y)).toEqual([1, 2, 3, 2 * 4, 2 * 5, 2 * 6])
  })

  it('has the attributes that it had before there were others', () => {
    const { attributes } = ops.conv2d(x, kernel, { dilation: 1, groups: 1, padding: 0 })
    expect(attributes).toEqual(ops.conv2d(x, kernel).attributes)
    expect(Object.keys(attributes)).toHaveLength(8)
  })
})

describe('depthwiseConv2d, worked out by hand', () => {
  it("makes channels c · multiplier + m, in Keras's and TensorFlow's order", async () => {
    const pixel = new Constant([2, 3], [1, 1, 1, 2])
    expect(await valuesOf(ops.depthwiseConv2d(pixel, counted([1, 1, 2, 3])))).toEqual([2, 4, 6, 12, 15, 18])
  })

  it('sums each channel over its window alone', async () => {
    // Pixels (1, 2), (3, 4) and (5, 6); weights (1, 2) and (3, 4).
    const y = ops.depthwiseConv2d(counted([1, 1, 3, 2]), counted([1, 2, 2, 1]))
    expect(await valuesOf(y)).toEqual([1 * 1 + 3 * 3, 2 * 2 + 4 * 4, 3 * 1 + 5 * 3, 4 * 2 + 6 * 4])
  })
})

describe('conv2dTranspose, worked out by hand', () => {
  it('adds a window for each pixel', async () => {
    const [x, kernel] = [counted([1, 2, 2, 1]), counted([2, 2, 1, 1])]
    expect(await valuesOf(ops.conv2dTranspose(x, kernel))).toEqual([1, 4, 4, 6, 20, 16, 9, 24, 16])
    const apart = [1, 2, 2, 4, 3, 4, 6, 8, 3, 6, 4, 8, 9, 12, 12, 16]
    expect(await valuesOf(ops.conv2dTranspose(x, kernel, { strides: 2 }))).toEqual(apart)
    // Without its rim.
    expect(await valuesOf(ops.conv2dTranspose(x, kernel, { padding: 1 }))).toEqual([20])
  })

  it("cuts off what TensorFlow's padding 'same' would have put around", async () => {
    const [x, kernel] = [new Constant([1, 2], [1, 1, 2, 1]), new Constant([1, 10, 100], [1, 3, 1, 1])]
    expect(await valuesOf(ops.conv2dTranspose(x, kernel, { strides: [1, 2], padding: 'same' }))).toEqual([
      1, 10, 102, 20,
    ])
    const added = {
      strides: [1, 2],
      padding: [
        [0, 0],
        [1, 1],
      ],
      outputPadding: [0, 1],
    } as const
    expect(await valuesOf(ops.conv2dTranspose(x, kernel, { ...added }))).toEqual([10, 102, 20, 200])
  })

  it.each<[options: Conv2dTransposeOptions, extent: number, window: number, expected: number]>([
    // Keras: n · stride, and n · stride + max(window - stride, 0).
    [{ padding: 'same', strides: 2 }, 3, 3, 6],
    [{ padding: 'same', strides: 3 }, 4, 2, 12],
    [{ padding: 'valid', strides: 2 }, 3, 5, 9],
    [{ padding: 'valid', strides: 3 }, 3, 2, 9],
    [{ padding: 'valid', strides: 2, dilation: 2 }, 3, 3, 9],
    // With output_padding: (n - 1) · stride + window - 2 · pad + output_padding.
    [{ padding: 'same', strides: 2, outputPadding: 1 }, 3, 3, 6],
    [{ padding: 'same', strides: 2, outputPadding: 0 }, 3, 3, 5],
    [{ padding: 'valid', strides: 2, outputPadding: 1 }, 3, 3, 8],
    // PyTorch: (n - 1) · stride - 2 · padding + dilation · (window - 1) + output_padding + 1.
    [{ padding: 1, strides: 2, outputPadding: 1 }, 3, 3, 6],
    [{ padding: 2, strides: 3, dilation: 2 }, 4, 3, 10],
    // ONNX, with pads of their own at both ends.
    [
      {
        padding: [
          [0, 2],
          [2, 0],
        ],
        strides: 2,
      },
      5,
      4,
      10,
    ],
  ])('makes images as large as other frameworks do: %j of %i pixels by %i', (options, extent, window, expected) => {
    const y = ops.conv2dTranspose(
      new Input('x', [1, extent, extent, 2]),
      new Input('k', [window, window, 3, 2]),
      options,
    )
    expect(y.shape).toEqual([1, expected, expected, 3])
  })

  it('refuses what leaves nothing, or what no convolution undoes', () => {
    const [x, kernel] = [counted([1, 2, 2, 1]), counted([2, 2, 1, 1])]
    expect(() => ops.conv2dTranspose(x, kernel, { padding: 2 })).toThrow(
      new ShapeError('conv2dTranspose: 2 pixels and padding 2 + 2 leave nothing'),
    )
    expect(() => ops.conv2dTranspose(x, kernel, { strides: 2, outputPadding: 2 })).toThrow(
      /outputPadding 2; expected .* 0 to 1/,
    )
    expect(() => ops.conv2dTranspose(x, kernel, { strides: 2, padding: 'same', outputPadding: 0 })).toThrow(
      /leave outputPadding out/,
    )
    expect(() => ops.conv2dTranspose(x, counted([2, 2, 1, 2]))).toThrow(
      /kernel \[2,2,1,2\]; expected .*\[KH,KW,filters,C\]/,
    )
  })
})

describe('convolutions refuse', () => {
  const x = counted([1, 4, 4, 6])

  it('groups that do not divide channels and filters', () => {
    expect(() => ops.conv2d(x, counted([3, 3, 2, 4]), { groups: 3 })).toThrow(
      new ShapeError(
        'conv2d: images [1,4,4,6] and kernel [3,3,2,4]; expected [N,H,W,C] and [KH,KW,C/3,filters] for 3 groups, with filters that can be divided by 3',
      ),
    )
    expect(() => ops.conv2d(x, counted([3, 3, 6, 4]), { groups: 2 })).toThrow(ShapeError)
    expect(() => ops.conv2d(x, counted([3, 3, 6, 4]), { groups: 0 })).toThrow(ArgumentError)
  })

  it('negative padding', () => {
    expect(() => ops.conv2d(x, counted([3, 3, 6, 4]), { padding: -1 })).toThrow(
      /padding must be 'same', 'valid', or .*, not -1/,
    )
    expect(() =>
      ops.depthwiseConv2d(x, counted([3, 3, 6, 1]), {
        padding: [
          [0, 1],
          [0, -2],
        ],
      }),
    ).toThrow(ArgumentError)
  })

  it('kernels and biases of other channels', () => {
    expect(() => ops.depthwiseConv2d(x, counted([3, 3, 5, 1]))).toThrow(
      /expected \[N,H,W,C\] and \[KH,KW,C,multiplier\]/,
    )
    expect(() => ops.depthwiseConv2d(x, counted([3, 3, 6, 2]), { bias: counted([6]) })).toThrow(
      new ShapeError('depthwiseConv2d: bias [6]; expected [12], one a filter'),
    )
  })
})

describe('convolutions in plans', () => {
  const [x, bias] = [new Input('x', [2, 5, 5, 6]), new Input('bias', [6])]
  const kinds: Readonly<Record<string, Tensor>> = {
    'dilated and grouped': ops.conv2d(x, new Input('k', [3, 3, 3, 6]), { groups: 2, dilation: 2, bias }),
    depthwise: ops.depthwiseConv2d(x, new Input('k', [3, 3, 6, 1]), { bias }),
    transposed: ops.conv2dTranspose(x, new Input('k', [3, 3, 6, 6]), { bias }),
  }
  for (const [kind, y] of Object.entries(kinds))
    it(`take bias and relu along: ${kind}`, () => {
      const { steps } = makePlan({ outputs: { y: ops.relu(y) } }, new Set(['bias', 'relu']))
      expect(steps).toHaveLength(1)
      expect(steps[0].attributes).toMatchObject({ bias: true, relu: true })
    })

  it("take relu's mask along in gradients", () => {
    const kernels = [new Input('k1', [3, 3, 6, 1]), new Input('k2', [3, 3, 6, 2])]
    const hidden = ops.relu(ops.depthwiseConv2d(x, kernels[0]))
    const y = ops.relu(ops.depthwiseConv2d(hidden, kernels[1]))
    const [dk] = gradients(ops.sum(ops.square(y)), [kernels[0]])
    const { steps } = makePlan({ outputs: { dk } }, new Set(['bias', 'relu', 'mask']))
    const masked = steps.filter(({ attributes }) => attributes.mask)
    expect(masked.map(({ kernel }) => kernel)).toEqual(['depthwiseConv2dInputGradient'])
  })

  it('may be rounded to half in a forward pass through a transposed one, and in no gradient of it', () => {
    const halved = (y: Tensor) =>
      makePlan({ outputs: { y } }, new Set(['half']))
        .steps.filter(({ attributes }) => attributes.half)
        .map(({ kernel }) => kernel)
    const [images, k1, k2] = [new Input('x', [1, 4, 4, 2]), counted([3, 3, 2, 2]), counted([3, 3, 2, 2])]
    const up = ops.conv2dTranspose(images, k1)
    expect(halved(ops.conv2d(up, k2))).toEqual(['conv2d'])
    // All that it is made of is a convolution, of a transposed one's results.
    const [dx] = gradients(ops.sum(ops.mul(up, constant(0.5))), [images])
    expect(dx.operation.name).toBe('conv2d')
    expect(halved(dx)).toEqual([])
  })
})
