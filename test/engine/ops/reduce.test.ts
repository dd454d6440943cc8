import { expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { ShapeError } from '../../../src/engine/errors.ts'
import { gradients } from '../../../src/engine/gradients.ts'
import { argMin, l2, min, product } from '../../../src/engine/ops/reduce.ts'
import { sum } from '../../../src/engine/ops/sum-and-broadcast.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { constant, Input } from '../../../src/engine/tensor.ts'

const device = new ReferenceDevice()

it("reductions give the numbers of ONNX's examples", async () => {
  // onnx/backend/test/case/node: reducel2.py, reduceprod.py, reducemin.py, argmin.py.
  const upToTwelve = constant([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [3, 2, 2])
  const minima = constant([5, 1, 20, 2, 30, 1, 40, 2, 55, 1, 60, 2], [3, 2, 2])
  const results = await compute(device, {
    outputs: {
      l2: l2(upToTwelve, { axes: 2, keepDims: true }),
      product: product(upToTwelve, { axes: 1 }),
      min: min(minima, { axes: 1 }),
      argMin: argMin(constant([2, 1, 3, 10], [2, 2]), { axis: 1, keepDims: true }),
      argMinOfEquals: argMin(constant([2, 1, 1, 10], [2, 2]), { axis: 0 }),
    },
  })
  const rounded = Array.from(results.l2, (value) => Number(value.toFixed(8)))
  expect(rounded).toEqual([2.23606798, 5, 7.81024968, 10.63014581, 13.45362405, 16.2788206])
  expect([...results.product]).toEqual([3, 8, 35, 48, 99, 120])
  expect([...results.min]).toEqual([5, 1, 30, 1, 55, 1])
  expect([...results.argMin]).toEqual([1, 0])
  expect([...results.argMinOfEquals]).toEqual([1, 0])
})

it('lengths over axes that are not neighbours are those of all their elements', async () => {
  const x = constant([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2])
  const results = await compute(device, { outputs: { y: l2(x, { axes: [0, 2] }) } })
  const expected = [1 + 4 + 25 + 36, 9 + 16 + 49 + 64].map(Math.sqrt)
  results.y.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], 14)
  })
})

it('a product whose every element is 0 has no slope, one with a single 0 only there', async () => {
  const x = new Input('x', [3, 3])
  const [slope] = gradients(sum(product(x, { axes: 1 })), [x])
  const result = await compute(device, { outputs: { slope } }, { x: Float64Array.of(0, 0, 0, 5, 0, 7, 2, 3, 4) })
  expect([...result.slope]).toEqual([0, 0, 0, 0, 35, 0, 12, 8, 6])
})

it('reductions of an empty axis are refused', () => {
  expect(() => min(constant(0, [2, 0]), { axes: 1 })).toThrow(new ShapeError('min: an axis of [2,0] is empty'))
})
