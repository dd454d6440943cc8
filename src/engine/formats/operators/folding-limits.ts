import { Constant, sizeOf, type Tensor } from '../../tensor.ts'
import { withInputs } from './evaluate.ts'

/**
 * What may be computed of a file's constants on the host while it is read. A few bytes of a file can ask for a gigabyte of zeros, or
 * for a day of work.
 */

/** Of one node: multiplications and additions. */
const mostWork = 2 ** 30

/** What a number costs that is made, whatever it is made of: its memory. All of them together take no more than a gigabyte. */
const workOfNumber = 8

/** Numbers that are held while a node's are computed, 8 bytes each, and that all nodes may leave behind. */
const mostNumbers = 2 ** 25

/** Numbers that nodes may fill tensors with, one number a tensor, all together: the ONNX project's light networks have such weights, 144 million of them. */
const mostFilled = 2 ** 28

/** Whether evaluating takes no more work than may be done. What is made of weights and nothing else is as large as they are. */
export function isAffordable(tensors: readonly Tensor[]): boolean {
  let work = 0
  for (const tensor of withInputs(tensors)) {
    const { operation, inputs, attributes, shape } = tensor
    if (!(tensor instanceof Constant))
      work += workOfNumber * sizeOf(shape) + (operation.flops?.(inputs, tensor, attributes) ?? 0)
  }
  return work <= mostWork
}

/** What nodes may leave on the host, all together. What was refused once is refused again: it never grows. */
export class FoldingRoom {
  private left = mostNumbers
  private leftToFill = mostFilled

  /** Takes room for these, if they are affordable and evaluating them holds no more than is left. What does not fit becomes part of the network. */
  take(tensors: readonly Tensor[]): boolean {
    if (!isAffordable(tensors) || numbersOf(withInputs(tensors)) > this.left) return false
    return this.takeNumbers(numbersOf(tensors))
  }

  /** Takes room for so many numbers that a node makes of nothing, if there is as much. */
  takeNumbers(count: number): boolean {
    const fits = count <= this.left
    if (fits) this.left -= count
    return fits
  }

  /** As takeNumbers(), for a tensor of one number over and over, which costs its memory alone. */
  takeFilled(count: number): boolean {
    const fits = count <= this.leftToFill
    if (fits) this.leftToFill -= count
    return fits
  }
}

function numbersOf(tensors: Iterable<Tensor>): number {
  let count = 0
  for (const { shape } of tensors) count += sizeOf(shape)
  return count
}
