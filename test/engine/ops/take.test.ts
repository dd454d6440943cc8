import { expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { ShapeError } from '../../../src/engine/errors.ts'
import { take } from '../../../src/engine/ops/take.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { constant, Input } from '../../../src/engine/tensor.ts'

const device = new ReferenceDevice()

it("take gives the numbers of ONNX's examples of Gather", async () => {
  // The operator's description (docs/Operators.md), both examples; gather.py's negative indices.
  const first = constant([1, 1.2, 2.3, 3.4, 4.5, 5.7], [3, 2])
  const second = constant([1, 1.2, 1.9, 2.3, 3.4, 3.9, 4.5, 5.7, 5.9], [3, 3])
  const outputs = {
    rows: take(first, constant([0, 1, 1, 2], [2, 2], 'i32')),
    columns: take(second, constant([0, 2], [1, 2], 'i32'), { axis: 1 }),
    fromTheEnd: take(constant([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [10]), constant([0, -9, -10], [3], 'i32')),
  }
  expect(outputs.rows.shape).toEqual([2, 2, 2])
  expect(outputs.columns.shape).toEqual([3, 1, 2])
  const results = await compute(device, { outputs })
  expect([...results.rows]).toEqual([1, 1.2, 2.3, 3.4, 2.3, 3.4, 4.5, 5.7])
  expect([...results.columns]).toEqual([1, 1.9, 2.3, 3.9, 4.5, 5.9])
  expect([...results.fromTheEnd]).toEqual([0, 1, 0])
})

it('take refuses an axis that there is not, an empty one, and indices that are no whole numbers', () => {
  const data = new Input('data', [3, 4])
  expect(() => take(data, new Input('at', [2], 'i32'), { axis: 2 })).toThrow(
    new ShapeError('take: axis 2 is not one of [3,4]'),
  )
  expect(() => take(new Input('data', [3, 0]), new Input('at', [2], 'i32'), { axis: -1 })).toThrow(
    new ShapeError('take: axis 1 of [3,0] is empty'),
  )
  expect(() => take(data, new Input('at', [2]))).toThrow(
    new ShapeError('take: f32 data and f32 indices given; expected f32 or i32 data and i32 indices'),
  )
})
