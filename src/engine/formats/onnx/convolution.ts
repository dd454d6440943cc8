import { conv2d } from '../../ops/conv2d.ts'
import { conv2dTranspose } from '../../ops/conv2d-transpose.ts'
import { formatShape } from '../../tensor.ts'
import type { OperatorCall } from '../operators/operator-call.ts'
import type { Value } from '../operators/value.ts'
import type { OperatorTable } from './operator-table.ts'
import { ImageWindow, type Pair } from './windows.ts'

/** Convolutions of images [N,C,H,W] with kernels [filters,C/groups,KH,KW], or of rows without H and KH. */
export const convolutionOperators: OperatorTable = {
  Conv(call) {
    const [x, kernel] = [call.value(0), call.value(1)]
    const window = ImageWindow.of(call, x, windowSize(call, kernel))
    const { strides, dilation } = window
    const y = conv2d(window.images(x), window.kernel(kernel, [1, 0]), {
      strides,
      dilation,
      padding: window.padding(x),
      groups: call.number('group', 1),
      ...(call.has(2) && { bias: call.tensor(call.value(2)) }),
    })
    return window.result(y)
  },

  /** Its kernels are [C,filters/groups,KH,KW]. */
  ConvTranspose(call) {
    const [x, kernel] = [call.value(0), call.value(1)]
    const window = ImageWindow.of(call, x, windowSize(call, kernel))
    const { strides, dilation } = window
    const y = conv2dTranspose(window.images(x), window.kernel(kernel, [1, 0]), {
      strides,
      dilation,
      ...transposedPadding(call, x, window),
      groups: call.number('group', 1),
      ...(call.has(2) && { bias: call.tensor(call.value(2)) }),
    })
    return window.result(y)
  },
}

/** The kernel's extents, which the attribute kernel_shape repeats. */
function windowSize(call: OperatorCall, kernel: Value): readonly number[] {
  const size = kernel.shape.slice(2)
  const said = call.optionalNumbers('kernel_shape')
  if (said && said.join() !== size.join())
    call.invalid(`its kernel_shape is ${formatShape(said)}, its kernel ${formatShape(kernel.shape)}`)
  return size
}

/** Padding and what is added behind: as the file gives them, or so that the result has the size that it asks for. */
function transposedPadding(call: OperatorCall, x: Value, window: ImageWindow) {
  const axes = x.shape.length - 2
  const added = call.optionalNumbers('output_padding')
  const outputPadding: Pair = added ? last(window.pair('output_padding', added), axes) : [0, 0]
  const extents = window.pair('its input', x.shape.slice(2))
  const asked = call.optionalNumbers('output_shape')
  const automatic = call.choice('auto_pad', ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'], 'NOTSET')
  const isSame = automatic === 'SAME_UPPER' || automatic === 'SAME_LOWER'
  if (!asked && !isSame)
    return { padding: automatic === 'VALID' ? ('valid' as const) : window.givenPadding(), outputPadding }
  const { size, strides, dilation } = window
  const wanted: Pair = asked
    ? window.pair('output_shape', asked.slice(-axes))
    : [extents[0] * strides[0], extents[1] * strides[1]]
  const along = (axis: 0 | 1) => {
    const covered = (size[axis] - 1) * dilation[axis] + 1
    const around = strides[axis] * (extents[axis] - 1) + outputPadding[axis] + covered - wanted[axis]
    // What is missing is added behind.
    const [less, more] = [Math.floor(Math.max(0, around) / 2), Math.ceil(Math.max(0, around) / 2)]
    const sides: Pair = automatic === 'SAME_UPPER' ? [less, more] : [more, less]
    return { sides, added: outputPadding[axis] + Math.max(0, -around) }
  }
  const [rows, columns] = [along(0), along(1)]
  return { padding: [rows.sides, columns.sides] as const, outputPadding: [rows.added, columns.added] as const }
}

/** Rows have nothing added to their height. */
function last([height, width]: Pair, axes: number): Pair {
  return axes === 2 ? [height, width] : [0, width]
}
