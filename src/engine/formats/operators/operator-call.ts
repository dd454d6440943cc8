import { shown } from '../../arguments.ts'
import { FormatError } from '../../errors.ts'
import { formatShape, type Shape, sizeOf, type Tensor } from '../../tensor.ts'
import { type FoldingRoom, isAffordable } from './folding-limits.ts'
import { checkExtents, type HostTensor, type NumberType } from './host-tensor.ts'
import type { OperatorGraph, OperatorNode } from './operator-graph.ts'
import { isGraph } from './operator-graph.ts'
import { constantFrom, DeviceValue, HostValue, hostOf, inOrder, type Value } from './value.ts'

/** What an operator makes of its inputs: its first output, or all of them. */
export type OperatorFunction = (call: OperatorCall) => Value | readonly Value[]

/** The operators of a format. */
export interface OperatorSet {
  /** The format's name: 'ONNX'. */
  readonly name: string
  /** undefined where the operator, or this version of it, is not known. */
  find(node: OperatorNode): OperatorFunction | undefined
}

/** Entries of a list that an operator takes as such: sizes of parts may be many. */
const mostListed = 2 ** 16

/** A node that can't be run: all of a file's are told at once. */
export class UnsupportedNode extends Error {}

/** A host value as a tensor, its axes in this order in memory. As a weight it is trained unless that is denied. */
export type Place = (value: HostValue, order: readonly number[], trainable?: boolean) => Tensor

/** What the interpretation of a graph does for its nodes. */
export interface Surroundings {
  /** Samples at once. */
  readonly batch: number
  /** Samples that the file is made for; null where it leaves that open. */
  readonly fileBatch: number | null
  /** A host value as a tensor of the network: a weight, or a constant. */
  readonly place: Place
  /** For numbers that are made on the host. */
  readonly room: FoldingRoom
  /** A node does something along the batch axis: in a file that was made for one sample, samples would mix. */
  noteMixing(): void
  /** What an operator does; undefined where it is not known. */
  find(node: OperatorNode): OperatorFunction | undefined
  /** Whether a tensor leaves the graph. */
  isOutput(tensor: string): boolean
  /** The outputs of a graph inside the node. */
  run(graph: OperatorGraph, given: ReadonlyMap<string, Value>): readonly Value[]
}

/** An operator's node at work: its inputs and attributes, looked at as they are asked for. */
export class OperatorCall {
  constructor(
    readonly node: OperatorNode,
    /** null where one is left out. */
    readonly inputs: readonly (Value | null)[],
    private readonly around: Surroundings,
  ) {}

  get batch(): number {
    return this.around.batch
  }

  /** Samples that the file is made for; null where it leaves that open. */
  get fileBatch(): number | null {
    return this.around.fileBatch
  }

  /** What can't be done here, in words: "dilation along depth". */
  unsupported(why: string): never {
    throw new UnsupportedNode(why)
  }

  /** What is wrong with the file. */
  invalid(why: string): never {
    throw new FormatError(why)
  }

  has(index: number): boolean {
    return Boolean(this.inputs[index])
  }

  value(index: number): Value {
    return this.inputs[index] ?? this.invalid(`its input ${index + 1} is missing`)
  }

  /** An input that must be known while the graph is built: a shape, axes. */
  host(index: number): HostTensor {
    const value = this.value(index)
    if (value instanceof HostValue) return value.tensor
    return this.unsupported(`its input ${index + 1} is computed from the network's input; expected a constant`)
  }

  /** Whole numbers of an input that must be known while the graph is built, a shape or axes; undefined where it is left out. */
  hostIntegers(index: number): number[] | undefined {
    if (!this.has(index)) return undefined
    const { data, shape } = this.host(index)
    if (data.length > mostListed) this.invalid(`its input ${index + 1} is ${formatShape(shape)}; expected a short list`)
    return Array.from(data, Number)
  }

  /** The only number of an input that must be known; undefined where it is left out. */
  hostNumber(index: number): number | undefined {
    if (!this.has(index)) return undefined
    const { data, shape } = this.host(index)
    if (data.length !== 1) this.invalid(`its input ${index + 1} is ${formatShape(shape)}; expected one number`)
    return data[0]
  }

  /**
   * Before a tensor of this shape is made on the host, of numbers or of one number over and over: a few bytes of a file can ask for
   * more than there is.
   * @throws FormatError where that is too much
   */
  reserve(shape: Shape, kind: 'numbers' | 'filled'): void {
    checkExtents('its result', shape)
    const { room } = this.around
    const count = sizeOf(shape)
    if (!(kind === 'filled' ? room.takeFilled(count) : room.takeNumbers(count)))
      this.invalid(`its result ${formatShape(shape)} is more than nodes may make beforehand`)
  }

  /** A value as a tensor, its axes in memory as the file speaks of them or in the order given. */
  tensor(value: Value, order: readonly number[] = inOrder(value.shape.length)): Tensor {
    return value instanceof HostValue ? this.around.place(value, order) : value.inOrder(order)
  }

  /** As tensor(), of what gradients do not change: a mean or a variance that a training kept. */
  statistic(value: Value): Tensor {
    const order = inOrder(value.shape.length)
    return value instanceof HostValue ? this.around.place(value, order, false) : value.inOrder(order)
  }

  /** A value among the network's, wherever it was. */
  onDevice(value: Value): DeviceValue {
    return value instanceof DeviceValue ? value : new DeviceValue(this.tensor(value), undefined, value.type)
  }

  /**
   * Values that are taken together, number by number, with axes of the same length or of 1, from the last backwards (NumPy's rule):
   * as tensors whose axes lie in one order.
   */
  together(values: readonly Value[]): { readonly tensors: readonly Tensor[]; readonly order: readonly number[] } {
    const rank = Math.max(...values.map(({ shape }) => shape.length))
    const leader = values.find((value) => value instanceof DeviceValue && value.shape.length === rank)
    const order = leader instanceof DeviceValue ? leader.order : inOrder(rank)
    const tensors = values.map((value) => {
      const { shape } = value
      const missing = rank - shape.length
      // Its first axis, where its samples are, meets another one.
      if (missing > 0 && value instanceof DeviceValue) this.around.noteMixing()
      const stretched = missing === 0 ? value : this.reshaped(value, [...new Array<number>(missing).fill(1), ...shape])
      return this.tensor(stretched, order)
    })
    return { tensors, order }
  }

  /** The same numbers under another shape, where they are. */
  reshaped(value: Value, shape: Shape): Value {
    if (value instanceof DeviceValue) return value.reshaped(shape)
    const { name, tensor, isOfBatch } = value
    return new HostValue(`${name}${formatShape(shape)}`, { ...tensor, shape }, isOfBatch)
  }

  /** What an elementwise operation makes of values that are taken together. */
  elementwise(values: readonly Value[], type: NumberType, compute: (...tensors: Tensor[]) => Tensor): DeviceValue {
    const { tensors, order } = this.together(values)
    return new DeviceValue(compute(...tensors), order, type)
  }

  /** Whether one of its outputs leaves the graph. */
  get makesOutput(): boolean {
    return this.node.outputs.some((tensor) => this.around.isOutput(tensor))
  }

  /** What another operator of the format makes of these inputs, with this node's attributes: its first output. */
  as(operator: string, inputs: readonly (Value | null)[]): Value {
    const node = { ...this.node, operator }
    const run = this.around.find(node) ?? this.unsupported(`it needs ${operator}, which is not known`)
    const made = run(new OperatorCall(node, inputs, this.around))
    return made instanceof HostValue || made instanceof DeviceValue ? made : made[0]
  }

  /**
   * What a node makes of constants alone, on the host, although it hangs on more than those: weights that are not used as the file
   * has them. They are known by the name.
   */
  folded(name: string, make: (call: OperatorCall) => DeviceValue): HostValue {
    const call = new OperatorCall(this.node, this.inputs, { ...this.around, place: constantFrom })
    const made = make(call)
    if (!isAffordable([made.tensor])) this.unsupported('its weights take more work than can be done beforehand')
    return new HostValue(name, hostOf(made))
  }

  /** An axis that the node works along, negative ones counted from the end. Samples mix where it is the batch's. */
  axis(value: Value, axis: number): number {
    const rank = value.shape.length
    const positive = axis < 0 ? axis + rank : axis
    if (!Number.isInteger(positive) || positive < 0 || positive >= Math.max(1, rank))
      this.invalid(`its axis is ${axis}; its input has ${rank}`)
    if (positive === 0 && value instanceof DeviceValue) this.around.noteMixing()
    return positive
  }

  /** The batch is not the first axis of what comes out. */
  noteMixing(): void {
    this.around.noteMixing()
  }

  number(name: string, otherwise?: number): number {
    const value = this.node.attributes[name] ?? otherwise
    return typeof value === 'number' ? value : this.wrongAttribute(name, 'a number')
  }

  /** undefined where there is no such attribute. */
  optionalNumber(name: string): number | undefined {
    return this.node.attributes[name] === undefined ? undefined : this.number(name)
  }

  numbers(name: string, otherwise?: readonly number[]): readonly number[] {
    const value = this.node.attributes[name] ?? otherwise
    if (Array.isArray(value) && value.every((one): one is number => typeof one === 'number')) return value
    return this.wrongAttribute(name, 'a list of numbers')
  }

  /** undefined where there is no such attribute. */
  optionalNumbers(name: string): readonly number[] | undefined {
    return this.node.attributes[name] === undefined ? undefined : this.numbers(name)
  }

  flag(name: string, otherwise = false): boolean {
    const value = this.node.attributes[name] ?? otherwise
    return typeof value === 'boolean' || typeof value === 'number'
      ? Boolean(value)
      : this.wrongAttribute(name, '0 or 1')
  }

  text(name: string, otherwise?: string): string {
    const value = this.node.attributes[name] ?? otherwise
    return typeof value === 'string' ? value : this.wrongAttribute(name, 'a text')
  }

  /** A list of texts. */
  texts(name: string, otherwise?: readonly string[]): readonly string[] {
    const value = this.node.attributes[name] ?? otherwise
    // An empty list is one of anything.
    if (Array.isArray(value) && value.every((one): one is string => typeof one === 'string')) return value
    return this.wrongAttribute(name, 'a list of texts')
  }

  /** One of these texts. */
  choice<T extends string>(name: string, choices: readonly T[], otherwise?: T): T {
    const value = this.text(name, otherwise)
    return choices.find((choice) => choice === value) ?? this.unsupported(`${name} ${shown(value)}`)
  }

  /** A tensor that is an attribute; undefined where there is none. */
  optionalTensor(name: string): HostTensor | undefined {
    const value = this.node.attributes[name]
    if (value === undefined || (typeof value === 'object' && 'data' in value)) return value
    return this.wrongAttribute(name, 'a tensor of numbers')
  }

  /** The outputs of a graph that is an attribute. */
  run(name: string, given: ReadonlyMap<string, Value> = new Map()): readonly Value[] {
    const graph = this.node.attributes[name]
    return graph !== undefined && isGraph(graph) ? this.around.run(graph, given) : this.wrongAttribute(name, 'a graph')
  }

  private wrongAttribute(name: string, expected: string): never {
    this.invalid(`its attribute ${name} is ${shown(this.node.attributes[name])}; expected ${expected}`)
  }
}
