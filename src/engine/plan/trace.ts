import { topologicalOrder } from '../gradients.ts'
import { type Attributes, Constant, Input, Resident, sizeOf, type Tensor, type TensorType } from '../tensor.ts'
import type { Update } from '../updates/update.ts'

/**
 * A trace is a graph turned into a list: steps that read and write values. It is what fuse.ts rewrites and plan.ts lays out.
 * Value: numbers of one type with one place to be. View: a value that lies inside another one's place. Root: a value that
 * is not a view.
 */
export class Value implements TensorType {
  /** Where this value lies inside another, if it has no place of its own. */
  view: { readonly of: Value; readonly offset: number } | null = null

  constructor(
    readonly shape: readonly number[],
    readonly dtype: TensorType['dtype'],
    /** Leaves keep their tensor; a value that a step writes has none, unless the step is run before (see prepare.ts). */
    public leaf: Input | Constant | Resident | null = null,
  ) {}

  get root(): Value {
    let value: Value = this
    while (value.view) value = value.view.of
    return value
  }

  /** Bytes from the root's first. */
  get offset(): number {
    let offset = 0
    for (let value: Value = this; value.view; value = value.view.of) offset += value.view.offset
    return offset
  }
}

/** One kernel's work. States are read and written in place: residents that an update changes. */
export interface Step {
  kernel: string
  /** By name, in the order of the operation's `inputNames`; behind them what is fused to it. */
  inputs: Readonly<Record<string, Value>>
  outputs: Value[]
  states: Value[]
  attributes: Attributes
  flops: number
  /** What the operation says of itself. */
  readonly isGradient?: boolean
}

export interface Trace {
  steps: Step[]
  readonly outputs: ReadonlyMap<string, Value>
}

/** What a plan is made of: named results to read, and changes to the device's state. */
export interface Graph {
  readonly outputs: Readonly<Record<string, Tensor>>
  readonly updates?: readonly Update[]
}

/** What a step reads, in order. */
export function inputsOf({ inputs }: Step): readonly Value[] {
  return Object.values(inputs)
}

/** The same names for what each input becomes. */
export function mapInputs<T, U>(inputs: Readonly<Record<string, T>>, become: (input: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, become(input)]))
}

/** Inputs by an operation's names of them; the last may stand for several. */
function nameInputs(names: readonly string[], inputs: readonly Value[]): Record<string, Value> {
  const rest = names.at(-1)?.startsWith('...') ? names.length - 1 : names.length
  const nameOf = (index: number) => (index < rest ? names[index] : `${names[rest].slice(3)}${index - rest}`)
  return Object.fromEntries(inputs.map((input, index) => [nameOf(index), input]))
}

/** Lists a graph's steps, inputs before their users, updates last. */
export function trace({ outputs, updates = [] }: Graph): Trace {
  const values = new Map<Tensor, Value>()
  const steps: Step[] = []
  const residents = new Map<string, Value>()

  const valueFor = (tensor: Tensor): Value => {
    const known = values.get(tensor)
    if (known) return known
    throw new Error(`trace: ${tensor.operation.name} was reached before its inputs`)
  }
  const leafValue = (tensor: Input | Constant | Resident): Value => {
    if (!(tensor instanceof Resident)) return new Value(tensor.shape, tensor.dtype, tensor)
    // Two tensors may name the same place (a parameter as read by the forward pass and as written by its update).
    const key = `${tensor.block}:${tensor.offset}:${tensor.dtype}${tensor.shape}`
    const value = residents.get(key) ?? new Value(tensor.shape, tensor.dtype, tensor)
    residents.set(key, value)
    return value
  }

  const roots = [...Object.values(outputs), ...updates.flatMap(({ states, inputs }) => [...states, ...inputs])]
  for (const tensor of topologicalOrder(...roots)) {
    if (tensor instanceof Input || tensor instanceof Constant || tensor instanceof Resident) {
      values.set(tensor, leafValue(tensor))
      continue
    }
    const value = new Value(tensor.shape, tensor.dtype)
    values.set(tensor, value)
    const offset = tensor.operation.viewOffset?.(tensor.inputs, tensor.attributes) ?? null
    if (offset !== null) {
      value.view = { of: valueFor(tensor.inputs[0]), offset }
      continue
    }
    const flops = tensor.operation.flops?.(tensor.inputs, tensor, tensor.attributes) ?? sizeOf(tensor.shape)
    steps.push({
      kernel: tensor.operation.name,
      inputs: nameInputs(tensor.operation.inputNames, tensor.inputs.map(valueFor)),
      outputs: [value],
      states: [],
      attributes: tensor.attributes,
      flops,
      isGradient: tensor.operation.isGradient,
    })
  }
  // All updates see the state as it was before any of them: one that reads a resident reads a copy.
  const copies = new Map<Value, Value>()
  const before = (tensor: Tensor): Value => {
    const value = valueFor(tensor)
    if (!(value.root.leaf instanceof Resident)) return value
    const copy = copies.get(value) ?? new Value(value.shape, value.dtype)
    if (!copies.has(value))
      steps.push({
        kernel: 'broadcast',
        inputs: { x: value },
        outputs: [copy],
        states: [],
        attributes: { shape: value.shape },
        flops: 0,
      })
    copies.set(value, copy)
    return copy
  }
  const updateInputs = updates.map(({ inputs }) => inputs.map(before))
  for (const [index, { kind, states, attributes }] of updates.entries())
    steps.push({
      kernel: kind.name,
      inputs: nameInputs(kind.inputNames, updateInputs[index]),
      outputs: [],
      states: states.map(valueFor),
      attributes,
      flops: kind.flopsPerElement * sizeOf(states[0].shape),
    })
  return { steps, outputs: new Map(Object.entries(outputs).map(([name, tensor]) => [name, valueFor(tensor)])) }
}
