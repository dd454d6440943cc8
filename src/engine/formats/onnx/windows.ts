import { formatShape, type Tensor } from '../../tensor.ts'
import type { NumberType } from '../operators/host-tensor.ts'
import type { OperatorCall } from '../operators/operator-call.ts'
import { DeviceValue, type Value } from '../operators/value.ts'

/**
 * What ONNX's convolutions and poolings share: images [N,C,H,W], or rows [N,C,W], which are taken as images of height 1, and windows
 * that walk over them, with attributes of one number an axis.
 */
export class ImageWindow {
  private constructor(
    private readonly call: OperatorCall,
    /** Height and width of the window. */
    readonly size: Pair,
    readonly strides: Pair,
    readonly dilation: Pair,
    /** The image's axes beside batch and channels: 2, or 1 for rows. */
    private readonly axes: number,
  ) {}

  /**
   * @param value the images
   * @param size of the window along each axis
   */
  static of(call: OperatorCall, value: Value, size: readonly number[]): ImageWindow {
    const axes = value.shape.length - 2
    if (axes !== 1 && axes !== 2)
      call.unsupported(`its input is ${formatShape(value.shape)}; expected [N,C,H,W] or [N,C,W]`)
    const pairOf = (name: string) => asPair(call, name, call.numbers(name, new Array<number>(axes).fill(1)), axes)
    return new ImageWindow(call, asPair(call, 'the window', size, axes), pairOf('strides'), pairOf('dilations'), axes)
  }

  /** Images as operations take them: [N,H,W,C]. */
  images(value: Value): Tensor {
    const { shape } = value
    const image = this.axes === 2 ? value : this.call.reshaped(value, [shape[0], shape[1], 1, shape[2]])
    return this.call.tensor(image, [0, 2, 3, 1])
  }

  /** A kernel, its first two axes in the order that an operation takes them in, behind height and width. */
  kernel(value: Value, [first, second]: Pair): Tensor {
    const { shape } = value
    const kernel = this.axes === 2 ? value : this.call.reshaped(value, [shape[0], shape[1], 1, shape[2]])
    return this.call.tensor(kernel, [2, 3, first, second])
  }

  /** What an operation made of images, as the file speaks of it. */
  result(y: Tensor, type: NumberType = 'float'): Value {
    const value = new DeviceValue(y, [0, 2, 3, 1], type)
    const [n, c, , w] = value.shape
    return this.axes === 2 ? value : value.reshaped([n, c, w])
  }

  /** Pixels before and after along height and width. */
  padding(value: Value): readonly [Pair, Pair] {
    const { call } = this
    const automatic = call.text('auto_pad', 'NOTSET')
    if (automatic === 'NOTSET' || automatic === '') return this.givenPadding()
    const isUpper = call.choice('auto_pad', ['SAME_UPPER', 'SAME_LOWER', 'VALID']) === 'SAME_UPPER'
    if (automatic === 'VALID') return [none, none]
    const extents = asPair(call, 'its input', value.shape.slice(2), this.axes)
    const along = (axis: 0 | 1): Pair => {
      const covered = (this.size[axis] - 1) * this.dilation[axis] + 1
      const outputs = Math.ceil(extents[axis] / this.strides[axis])
      const around = Math.max(0, (outputs - 1) * this.strides[axis] + covered - extents[axis])
      const [less, more] = [Math.floor(around / 2), Math.ceil(around / 2)]
      return isUpper ? [less, more] : [more, less]
    }
    return [along(0), along(1)]
  }

  /** Pads as the file gives them: all beginnings, then all ends. */
  givenPadding(): readonly [Pair, Pair] {
    const pads = this.call.numbers('pads', new Array<number>(2 * this.axes).fill(0))
    if (pads.length !== 2 * this.axes) this.call.invalid(`it has ${pads.length} pads; expected ${2 * this.axes}`)
    const sides = Array.from({ length: this.axes }, (_, axis): Pair => [pads[axis], pads[axis + this.axes]])
    return sides.length === 2 ? [sides[0], sides[1]] : [none, sides[0]]
  }

  /** One number an axis, of an attribute of this window. */
  pair(name: string, numbers: readonly number[]): Pair {
    return asPair(this.call, name, numbers, this.axes)
  }
}

export type Pair = readonly [number, number]

const none: Pair = [0, 0]

/** Rows have nothing to walk over in height: 1, as a window, a stride or an extent. */
function asPair(call: OperatorCall, name: string, numbers: readonly number[], axes: number): Pair {
  if (numbers.length !== axes) call.invalid(`${name} is ${formatShape(numbers)}; expected ${axes} numbers`)
  return axes === 2 ? [numbers[0], numbers[1]] : [1, numbers[0]]
}
