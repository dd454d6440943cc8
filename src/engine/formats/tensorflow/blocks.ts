import { type Margin, pad } from '../../ops/pad.ts'
import { reshape } from '../../ops/reshape.ts'
import { transpose } from '../../ops/transpose.ts'
import type { Tensor } from '../../tensor.ts'
import type { OperatorCall, OperatorFunction } from '../operators/operator-call.ts'
import { DeviceValue } from '../operators/value.ts'
import { imageOf } from './image-axes.ts'

/**
 * Images whose every second (third, …) row and column are images of their own: SpaceToBatchND makes them, so that a convolution of
 * these is one with dilation of the whole ones, and BatchToSpaceND puts them together. Our convolutions know dilation: what is cut
 * remembers the whole that it was cut of, and where that is convolved instead, nothing is cut. Depth and space change places alike.
 */

/** Whole images, and how many rows and columns each of their blocks has. */
export interface Blocked {
  readonly whole: Tensor
  readonly block: readonly [number, number]
}

const wholes = new WeakMap<Tensor, Blocked>()

/** What these images are blocks of. */
export function blocksOf(x: Tensor): Blocked | undefined {
  return wholes.get(x)
}

/** [N,H,W,C] -> [BY·BX·N,H/BY,W/BX,C]: first comes what stands at the top left of each block. */
export function blocked(whole: Tensor, block: readonly [number, number]): Tensor {
  const [count, height, width, channels] = whole.shape
  const [rows, columns] = [height / block[0], width / block[1]]
  const cut = reshape(whole, [count, rows, block[0], columns, block[1], channels])
  const y = reshape(transpose(cut, [2, 4, 0, 1, 3, 5]), [block[0] * block[1] * count, rows, columns, channels])
  wholes.set(y, { whole, block })
  return y
}

/** blocked()'s inverse. */
function joined(call: OperatorCall, x: Tensor, block: readonly [number, number]): Tensor {
  const known = wholes.get(x)
  if (known && known.block[0] === block[0] && known.block[1] === block[1]) return known.whole
  const [all, rows, columns, channels] = x.shape
  const count = all / (block[0] * block[1])
  if (!Number.isInteger(count)) call.invalid(`${all} images are no blocks of ${block.join('x')}`)
  const cut = reshape(x, [block[0], block[1], count, rows, columns, channels])
  return reshape(transpose(cut, [2, 3, 0, 4, 1, 5]), [count, rows * block[0], columns * block[1], channels])
}

function blockOf(call: OperatorCall): readonly [number, number] {
  const block = call.hostIntegers(1) ?? []
  if (block.length !== 2 || !block.every((extent) => Number.isSafeInteger(extent) && extent >= 1))
    call.unsupported(`blocks of ${block.join(', ')}; expected rows and columns`)
  return [block[0], block[1]]
}

/** Rows and columns: before and after. */
function marginsOf(call: OperatorCall, sign: 1 | -1): Margin[] {
  const numbers = call.hostIntegers(2) ?? []
  if (numbers.length !== 4 || !numbers.every((extent) => Number.isSafeInteger(extent) && extent >= 0))
    call.invalid(`its margins are ${numbers.join(', ')}; expected those of rows and columns`)
  const margin = (before: number, after: number): [number, number] => [sign * before + 0, sign * after + 0]
  return [[0, 0], margin(numbers[0], numbers[1]), margin(numbers[2], numbers[3]), [0, 0]]
}

function depthBlockOf(call: OperatorCall): number {
  const size = call.number('block_size')
  if (!Number.isSafeInteger(size) || size < 1) call.invalid(`its block_size is ${size}; expected a positive integer`)
  if (call.text('data_format', 'NHWC') !== 'NHWC') call.unsupported(`data_format ${call.text('data_format')}`)
  return size
}

/** Under TensorFlow's names. */
export const blockOperators: Readonly<Record<string, OperatorFunction>> = {
  SpaceToBatchND(call) {
    const block = blockOf(call)
    const whole = pad(imageOf(call, call.value(0)), marginsOf(call, 1))
    if (whole.shape[1] % block[0] !== 0 || whole.shape[2] % block[1] !== 0)
      call.invalid(`images of ${whole.shape[1]}x${whole.shape[2]} are no blocks of ${block.join('x')}`)
    return new DeviceValue(blocked(whole, block))
  },
  BatchToSpaceND(call) {
    const block = blockOf(call)
    const whole = joined(call, imageOf(call, call.value(0)), block)
    return new DeviceValue(pad(whole, marginsOf(call, -1)))
  },
  /** The numbers of a pixel, channels last, become a block of pixels. */
  DepthToSpace(call) {
    const size = depthBlockOf(call)
    const x = imageOf(call, call.value(0))
    const [count, height, width, depth] = x.shape
    const channels = depth / size ** 2
    if (!Number.isInteger(channels)) call.invalid(`${depth} channels do not make blocks of ${size}x${size}`)
    const cut = reshape(x, [count, height, width, size, size, channels])
    return new DeviceValue(reshape(transpose(cut, [0, 1, 3, 2, 4, 5]), [count, height * size, width * size, channels]))
  },
  SpaceToDepth(call) {
    const size = depthBlockOf(call)
    const x = imageOf(call, call.value(0))
    const [count, height, width, channels] = x.shape
    const [rows, columns] = [height / size, width / size]
    if (!Number.isInteger(rows) || !Number.isInteger(columns))
      call.invalid(`images of ${height}x${width} do not fall into blocks of ${size}x${size}`)
    const cut = reshape(x, [count, rows, size, columns, size, channels])
    return new DeviceValue(reshape(transpose(cut, [0, 1, 3, 2, 4, 5]), [count, rows, columns, size ** 2 * channels]))
  },
}
