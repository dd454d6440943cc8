import { reshape } from '../../ops/reshape.ts'
import { transpose } from '../../ops/transpose.ts'
import { constant, type Shape, type Tensor } from '../../tensor.ts'
import { evaluate } from './evaluate.ts'
import { type HostTensor, type NumberType, permuted } from './host-tensor.ts'

/**
 * What operators take and make. Numbers that are known while the graph is built stay on the host: weights, and whatever is
 * computed of shapes. All else is a tensor of the network, whose axes may lie in memory in another order than the file speaks of
 * them: images of a file that says NCHW lie as NHWC from the first convolution on, and are turned back only where an operator's
 * meaning needs it.
 */
export type Value = HostValue | DeviceValue

export class HostValue {
  constructor(
    /** Of the tensor in the file, or of the node that made it: weights are known by it. */
    readonly name: string,
    readonly tensor: HostTensor,
    /** Whether it would be another for a batch of another size. */
    readonly isOfBatch: boolean = false,
  ) {}

  get shape(): Shape {
    return this.tensor.shape
  }

  get type(): NumberType {
    return this.tensor.type
  }
}

export class DeviceValue {
  constructor(
    /** As it lies in memory: its axis i is axis `order[i]` of the file's tensor. */
    readonly tensor: Tensor,
    readonly order: readonly number[] = inOrder(tensor.shape.length),
    readonly type: NumberType = 'float',
  ) {}

  /** As the file speaks of it. */
  get shape(): Shape {
    const shape = new Array<number>(this.order.length)
    this.order.forEach((axis, at) => {
      shape[axis] = this.tensor.shape[at]
    })
    return shape
  }

  /** The same value under another tensor of the same axes. */
  with(tensor: Tensor, type: NumberType = this.type): DeviceValue {
    return new DeviceValue(tensor, this.order, type)
  }

  /** Where in memory an axis of the file's tensor is. */
  placeOf(axis: number): number {
    return this.order.indexOf(axis)
  }

  /** The tensor with its axes in this order in memory: turned round only if it does not lie so. */
  inOrder(order: readonly number[]): Tensor {
    return transpose(
      this.tensor,
      order.map((axis) => this.placeOf(axis)),
    )
  }

  /** The tensor as the file speaks of it. */
  asSpoken(): Tensor {
    return this.inOrder(inOrder(this.order.length))
  }

  /** The axes in another order, as Transpose says it: nothing moves, they are only spoken of otherwise. */
  transposed(permutation: readonly number[]): DeviceValue {
    const order = this.order.map((axis) => permutation.indexOf(axis))
    return new DeviceValue(this.tensor, order, this.type)
  }

  /**
   * The same numbers under another shape. Axes that are split or joined where they lie one behind the other in memory stay
   * there; only what is joined of axes that lie elsewhere is turned round first.
   */
  reshaped(shape: Shape): DeviceValue {
    const groups = axisGroups(this.shape, shape)
    if (!groups) return new DeviceValue(reshape(this.asSpoken(), shape), undefined, this.type)
    const before: number[] = []
    const after: number[] = []
    const done = new Set<number>()
    for (const axis of this.order) {
      const at = groups.findIndex(({ from }) => from.includes(axis))
      if (done.has(at)) continue
      done.add(at)
      before.push(...groups[at].from)
      after.push(...groups[at].to)
    }
    // Groups of no old axis: extents of 1 that are new.
    groups.forEach((group, at) => {
      if (!done.has(at)) after.push(...group.to)
    })
    const tensor = reshape(
      this.inOrder(before),
      after.map((axis) => shape[axis]),
    )
    return new DeviceValue(tensor, after, this.type)
  }
}

export function inOrder(rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis)
}

/**
 * The fewest axes that belong together when a shape becomes another: their products are the same. null where a shape has
 * an extent of 0, which belongs to no group.
 */
function axisGroups(old: Shape, shape: Shape): { from: number[]; to: number[] }[] | null {
  if (old.includes(0) || shape.includes(0)) return null
  const groups: { from: number[]; to: number[] }[] = []
  let [i, j] = [0, 0]
  while (i < old.length || j < shape.length) {
    const group: { from: number[]; to: number[] } = { from: [], to: [] }
    let [had, has] = [1, 1]
    if (i < old.length) {
      had = old[i]
      group.from.push(i++)
    }
    if (j < shape.length && (group.from.length === 0 || had !== 1 || shape[j] === 1)) {
      has = shape[j]
      group.to.push(j++)
    }
    while (had !== has) {
      if (had < has) {
        had *= old[i]
        group.from.push(i++)
      } else {
        has *= shape[j]
        group.to.push(j++)
      }
    }
    groups.push(group)
  }
  return groups
}

/** Host numbers in the order that an operation wants them. */
export function hostInOrder({ data, shape }: HostTensor, order: readonly number[]) {
  const isSame = order.every((axis, i) => axis === i)
  return {
    data: isSame ? data : permuted(data, shape, order),
    shape: isSame ? shape : order.map((axis) => shape[axis]),
  }
}

/** A host value where only constants are: nothing of it becomes a weight. */
export function constantFrom({ tensor }: HostValue, order: readonly number[]): Tensor {
  const { data, shape } = hostInOrder(tensor, order)
  return constant(data, shape)
}

/** The numbers of a value that hangs on constants alone; long lists of floats in the 32 bits that devices have. */
export function hostOf(value: DeviceValue): HostTensor {
  const data = evaluate(value.asSpoken())
  const { type, shape } = value
  return { type, shape, data: type === 'float' && data.length > 4096 ? new Float32Array(data) : data }
}
