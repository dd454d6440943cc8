import { afterAll, expect, test } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { gradients } from '../../../src/engine/gradients.ts'
import { ops } from '../../../src/engine/ops/public.ts'
import type { Pair } from '../../../src/engine/ops/window.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Constant, type Shape, sizeOf, type Tensor } from '../../../src/engine/tensor.ts'

/** conv2d's gradient for its images on the processor: by phases, whatever the stride, so that nothing is multiplied by zeros between. */

const [reference, cpu] = [new ReferenceDevice(), new CpuDevice({ threads: 1, convolution: 'direct' })]
afterAll(() => cpu.dispose())

/** Numbers that look like chance's, -1 to 1. */
function numbers(shape: Shape, seed: number): Constant {
  return new Constant(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed)),
    shape,
  )
}

interface Walk {
  readonly extent: readonly [number, number]
  readonly window: readonly [number, number]
  readonly strides: Pair
  readonly dilation: Pair
  readonly padding: readonly [number, number]
  readonly groups: number
}

/** dx of a convolution by the walk, of 2 images of 4 channels; null where the window does not fit. */
function inputGradient({ extent, window, strides, dilation, padding, groups }: Walk): Tensor | null {
  const shape = [2, ...extent, 4]
  const covers = window.map((taps, axis) => (taps - 1) * (typeof dilation === 'number' ? dilation : dilation[axis]) + 1)
  if (covers.some((cover, axis) => cover > extent[axis] + 2 * padding[axis])) return null
  const x = numbers(shape, 1)
  const kernel = numbers([...window, 4 / groups, 6], 2)
  const y = ops.conv2d(x, kernel, { strides, dilation, padding, groups })
  const [dx] = gradients(ops.sum(ops.mul(y, numbers(y.shape, 3))), [x])
  return dx
}

async function expectEqual(outputs: Readonly<Record<string, Tensor>>): Promise<void> {
  const [expected, found] = await Promise.all([compute(reference, { outputs }), compute(cpu, { outputs })])
  for (const name of Object.keys(outputs)) {
    const [right, values] = [Array.from(expected[name]), Array.from(found[name])]
    const largest = Math.max(1, ...right.map(Math.abs))
    const off = Math.max(...values.map((value, i) => Math.abs(value - right[i])))
    expect(off / largest, name).toBeLessThan(1e-6)
  }
}

const strides: readonly Pair[] = [1, 2, 3, [4, 1], [1, 2], [2, 5]]

test.each(strides)('stride %j: every window, dilation and padding gives what float64 does', async (stride) => {
  const outputs: Record<string, Tensor> = {}
  for (const window of [
    [1, 1],
    [2, 3],
    [3, 2],
    [5, 4],
  ] as const)
    for (const dilation of [1, [2, 3], [4, 2]] as const)
      for (const padding of [
        [0, 0],
        [4, 3],
      ] as const)
        for (const extent of [
          [7, 6],
          [2, 9],
        ] as const) {
          const groups = 1 + (Object.keys(outputs).length % 2)
          const walk = { extent, window, strides: stride, dilation, padding, groups }
          const dx = inputGradient(walk)
          if (dx) outputs[JSON.stringify(walk)] = dx
        }
  expect(Object.keys(outputs).length).toBeGreaterThan(30)
  await expectEqual(outputs)
})

test('many images, many rows of one, a mask and a residual are as float64 has them', async () => {
  const outputs: Record<string, Tensor> = {}
  for (const [count, height] of [
    [33, 5],
    [1, 67],
  ]) {
    const x = numbers([count, height, 9, 8], 1)
    const hidden = ops.relu(ops.conv2d(x, numbers([3, 3, 8, 8], 2), { padding: 'same' }))
    const y = ops.add(
      ops.conv2d(hidden, numbers([3, 3, 8, 12], 3), { padding: 'same', strides: 2 }),
      ops.conv2d(hidden, numbers([1, 1, 8, 12], 4), { padding: 'same', strides: 2 }),
    )
    const [dx] = gradients(ops.sum(ops.square(y)), [x])
    outputs[`${count} x ${height}`] = ops.mul(dx, new Constant([1e-3], []))
  }
  await expectEqual(outputs)
})

test('a tap is multiplied for the pixels that it meets, and for no others', async () => {
  const weights = Float32Array.from({ length: 9 }, (_, tap) => (tap === 4 ? Number.POSITIVE_INFINITY : 1))
  const x = numbers([1, 6, 6, 1], 1)
  const y = ops.conv2d(x, new Constant(weights, [3, 3, 1, 1]), { strides: 2, padding: 1 })
  const [dx] = gradients(ops.sum(y), [x])
  const { dx: found } = await compute(cpu, { outputs: { dx } })
  // The middle of the window stands on every second pixel. A zero that it would be multiplied by made a NaN.
  const expected = Array.from({ length: 36 }, (_, i) => Math.floor(i / 6) % 2 === 0 && (i % 6) % 2 === 0)
  expect(Array.from(found, (value) => value === Number.POSITIVE_INFINITY)).toEqual(expected)
  expect(Array.from(found).some(Number.isNaN)).toBe(false)
})
