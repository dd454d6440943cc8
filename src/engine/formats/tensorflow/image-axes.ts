import type { Padding } from '../../ops/window.ts'
import type { Tensor } from '../../tensor.ts'
import type { OperatorCall } from '../operators/operator-call.ts'
import { inOrder, type Value } from '../operators/value.ts'

/** Images as our operations want them, [N,H,W,C], and the windows over them, whatever order of axes a node speaks of. */

/** Which of a node's axes are images, rows, columns and channels: NHWC unless it says otherwise. */
export function imageOrder(call: OperatorCall): readonly number[] {
  return call.choice('data_format', ['NHWC', 'NCHW'], 'NHWC') === 'NHWC' ? [0, 1, 2, 3] : [0, 2, 3, 1]
}

/** @throws FormatError for what is no image */
export function imageOf(call: OperatorCall, value: Value, order: readonly number[] = inOrder(4)): Tensor {
  if (value.shape.length !== 4) call.invalid(`its images have ${value.shape.length} axes; expected 4`)
  return call.tensor(value, order)
}

/** Of a list with a number for each axis those for rows and columns; nothing happens along the other two. */
export function alongRowsAndColumns(
  call: OperatorCall,
  name: string,
  order: readonly number[],
  otherwise?: readonly number[],
): readonly [number, number] {
  const numbers = call.numbers(name, otherwise)
  if (numbers.length !== 4) call.invalid(`its attribute ${name} has ${numbers.length} numbers; expected 4`)
  const [images, rows, columns, channels] = order.map((axis) => numbers[axis])
  if (images !== 1 || channels !== 1) call.unsupported(`${name} of ${numbers.join(', ')}, along images or channels`)
  return [rows, columns]
}

export function paddingOf(call: OperatorCall, order: readonly number[]): Padding {
  const padding = call.choice('padding', ['SAME', 'VALID', 'EXPLICIT'])
  if (padding !== 'EXPLICIT') return padding === 'SAME' ? 'same' : 'valid'
  const around = call.numbers('explicit_paddings')
  if (around.length !== 8) call.invalid(`explicit_paddings has ${around.length} numbers; expected 8`)
  const [rows, columns] = [order[1], order[2]]
  return [
    [around[2 * rows], around[2 * rows + 1]],
    [around[2 * columns], around[2 * columns + 1]],
  ]
}
