import type { Shape } from '../../tensor.ts'
import { type NumberArray, permuted } from '../operators/host-tensor.ts'
import { inOrder } from '../operators/value.ts'
import type { OnnxAttribute, OnnxInitializer, OnnxNode } from './write-proto.ts'

/**
 * A tensor of the file that is written. Its axis i is axis `order[i]` of ours: after a convolution images lie as NCHW there, and are
 * turned back only for what needs our order.
 */
export type Written = WrittenTensor | WrittenWeight

export interface WrittenTensor {
  readonly kind: 'tensor'
  readonly name: string
  readonly order: readonly number[]
}

/** Numbers that are known: they are written in whatever order they are needed. */
export interface WrittenWeight {
  readonly kind: 'weight'
  readonly name: string
  readonly shape: Shape
  readonly data: NumberArray
}

/** The nodes and numbers of a graph that is being written. */
export class OnnxBuilder {
  readonly nodes: OnnxNode[] = []
  private readonly initializers = new Map<string, OnnxInitializer>()
  private readonly turned = new Map<string, WrittenTensor>()
  private readonly counts = new Map<string, number>()

  /** A node of one output, whose axes lie in this order. */
  node(
    operator: string,
    inputs: readonly string[],
    order: readonly number[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): WrittenTensor {
    const count = this.counts.get(operator) ?? 0
    this.counts.set(operator, count + 1)
    const name = `${operator}_${count}`
    this.nodes.push({ operator, name, inputs, outputs: [name], attributes })
    return { kind: 'tensor', name, order }
  }

  /** The tensor under a name of its own: an output. */
  rename({ name }: WrittenTensor, wanted: string): void {
    this.nodes.push({
      operator: 'Identity',
      name: `${wanted}_output`,
      inputs: [name],
      outputs: [wanted],
      attributes: {},
    })
  }

  /** A value by name, its axes in this order in the file; turned round only where they do not lie so. */
  inOrder(value: Written, order: readonly number[]): string {
    if (value.kind === 'weight') {
      const data = permuted(value.data, value.shape, order)
      return this.initializer(
        `${value.name}${isOurs(order) ? '' : `:${order.join('')}`}`,
        order.map((axis) => value.shape[axis]),
        data,
      )
    }
    const permutation = order.map((axis) => value.order.indexOf(axis))
    if (isOurs(permutation)) return value.name
    const key = `${value.name}:${permutation.join()}`
    const known = this.turned.get(key)
    if (known) return known.name
    const made = this.node('Transpose', [value.name], order, { perm: permutation })
    this.turned.set(key, made)
    return made.name
  }

  /** A value by name, with its axes as they are here. */
  asOurs(value: Written, rank: number): string {
    return this.inOrder(value, inOrder(rank))
  }

  /** Numbers in another order, under another shape. */
  reshapedWeight(weight: WrittenWeight, order: readonly number[], shape: Shape): string {
    const data = permuted(weight.data, weight.shape, order)
    return this.initializer(`${weight.name}:${order.join('')}:${shape.join('x')}`, shape, data)
  }

  initializer(name: string, shape: readonly number[], data: OnnxInitializer['data']): string {
    if (!this.initializers.has(name)) this.initializers.set(name, { name, shape, data })
    return name
  }

  integers(values: readonly number[]): string {
    return this.initializer(`int64_${values.join('_')}`, [values.length], BigInt64Array.from(values, BigInt))
  }

  number(value: number): string {
    return this.initializer(`float_${value}`, [], Float32Array.of(value))
  }

  /** What was written of numbers and is used. */
  usedInitializers(): OnnxInitializer[] {
    const used = new Set(this.nodes.flatMap(({ inputs }) => inputs))
    return [...this.initializers.values()].filter(({ name }) => used.has(name))
  }
}

function isOurs(order: readonly number[]): boolean {
  return order.every((axis, i) => axis === i)
}
