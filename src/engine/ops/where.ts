import { ShapeError } from '../errors.ts'
import { apply, constant, type Operation, requireFloat, type Tensor, uniformValue } from '../tensor.ts'
import { broadcastIndices, broadcastShapes } from './broadcasting.ts'
import { broadcastTo, sumTo } from './sum-and-broadcast.ts'

/** condition, a, b -> a where the condition is not 0, else b; all three are broadcast. */
export const whereOperation: Operation = {
  name: 'where',
  inputNames: ['condition', 'a', 'b'],
  infer([condition, a, b]) {
    if (condition.dtype === 'u8') throw new ShapeError('where: the condition is of type u8; expected f32 or i32')
    requireFloat('where', [a, b])
    const shape = broadcastShapes('where', a.shape, b.shape)
    return { shape: broadcastShapes('where', condition.shape, shape), dtype: 'f32' }
  },
  gradient(node, dy) {
    const [condition, a, b] = node.inputs
    return [null, () => sumTo(where(condition, dy, 0), a.shape), () => sumTo(where(condition, 0, dy), b.shape)]
  },
  reference([condition, a, b], y) {
    const [at, atA, atB] = [condition, a, b].map(({ shape }) => broadcastIndices(shape, y.shape))
    for (let i = 0; i < y.data.length; i++) y.data[i] = condition.data[at(i)] !== 0 ? a.data[atA(i)] : b.data[atB(i)]
  },
}

/** `a` where the condition is not 0, else `b`, broadcast. @throws ShapeError when the shapes can't be */
export function where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  const [chosen, other] = [a, b].map((value) => (typeof value === 'number' ? constant(value) : value))
  const known = uniformValue(condition)
  const shape = broadcastShapes('where', condition.shape, broadcastShapes('where', chosen.shape, other.shape))
  return known === null
    ? apply(whereOperation, [condition, chosen, other], {})
    : broadcastTo(known === 0 ? other : chosen, shape)
}
