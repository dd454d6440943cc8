import { shown } from '../../arguments.ts'
import { FormatError } from '../../errors.ts'
import type { HostTensor, NumberType } from './host-tensor.ts'

/**
 * A graph of operators as a file has it: ONNX's, TensorFlow Lite's or TensorFlow's. Tensors go by name. It is plain data; what an
 * operator means, its format's table knows.
 */
export interface OperatorGraph {
  readonly nodes: readonly OperatorNode[]
  /** What is known before anything is run: weights, shapes. */
  readonly constants: ReadonlyMap<string, HostTensor>
  readonly inputs: readonly GraphInput[]
  /** Names of tensors. */
  readonly outputs: readonly string[]
}

export interface OperatorNode {
  /** As the file has it, or made of the operator and its place where it has none. */
  readonly name: string
  readonly operator: string
  /** Which version of the operator is meant, where the format has several. */
  readonly version: number
  /** Names of tensors; '' where an input is left out. */
  readonly inputs: readonly string[]
  /** Names of tensors; '' where an output is not wanted. */
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, AttributeValue>>
}

export type AttributeValue =
  | number
  | string
  | boolean
  | readonly number[]
  | readonly string[]
  | HostTensor
  | OperatorGraph

export interface GraphInput {
  readonly name: string
  readonly type: NumberType
  /** With the batch axis; null for what the file leaves open. */
  readonly shape: readonly (number | null)[]
}

/** More than any network has. */
export const mostNodes = 100_000

/**
 * The nodes that the outputs need, each behind those that it needs itself. What feeds no output may be anything.
 * @param around what there is outside a graph that lies in a node
 * @throws FormatError for a tensor that nothing makes or two nodes make, and for nodes that wait for one another
 */
export function neededNodes(
  graph: OperatorGraph,
  around: { has(tensor: string): boolean } = new Set(),
): OperatorNode[] {
  if (graph.nodes.length > mostNodes)
    throw new FormatError(`the graph has ${graph.nodes.length} nodes; at most ${mostNodes} can be`)
  const makers = makersOf(graph)
  const known = new Set([...graph.inputs.map(({ name }) => name), ...graph.constants.keys(), ''])
  const order: OperatorNode[] = []
  const begun = new Set<OperatorNode>()
  const done = new Set<OperatorNode>()
  const makerOf = (tensor: string, wanted: string) => {
    const maker = makers.get(tensor)
    if (known.has(tensor) || (!maker && around.has(tensor))) return undefined
    if (!maker) throw new FormatError(`${wanted} needs the tensor ${shown(tensor)}, which nothing makes`)
    return maker
  }
  // Without recursion: a graph may be deeper than the stack.
  const pending: OperatorNode[] = []
  for (const output of graph.outputs) {
    const maker = makerOf(output, 'an output')
    if (maker) pending.push(maker)
    for (let node = pending.at(-1); node; node = pending.at(-1)) {
      const { name } = node
      const missing = neededBy(node).flatMap((tensor) => makerOf(tensor, name) ?? [])
      const waiting = missing.filter((other) => !done.has(other))
      if (done.has(node) || waiting.length === 0) {
        if (!done.has(node)) order.push(node)
        done.add(node)
        pending.pop()
        continue
      }
      if (begun.has(node)) throw new FormatError(`the graph has a circle: ${name} needs what is made of it`)
      begun.add(node)
      // The first input's maker next: errors are told, and weights lie, as the file has them.
      pending.push(...waiting.toReversed())
    }
  }
  return order
}

function makersOf({ nodes, inputs }: OperatorGraph): Map<string, OperatorNode> {
  const makers = new Map<string, OperatorNode>()
  const given = new Set(inputs.map(({ name }) => name))
  for (const node of nodes)
    for (const tensor of node.outputs) {
      if (tensor === '') continue
      if (makers.has(tensor) || given.has(tensor))
        throw new FormatError(`the tensor ${shown(tensor)} is made twice, the second time by ${node.name}`)
      makers.set(tensor, node)
    }
  return makers
}

/** A node's inputs, and what the graphs inside it take from around them. */
function neededBy({ inputs, attributes }: OperatorNode): string[] {
  const inner = Object.values(attributes).filter(isGraph)
  return [...inputs, ...inner.flatMap(takenFromAround)]
}

export function isGraph(value: AttributeValue): value is OperatorGraph {
  return typeof value === 'object' && 'nodes' in value
}

function takenFromAround(graph: OperatorGraph): string[] {
  const own = new Set([
    '',
    ...graph.inputs.map(({ name }) => name),
    ...graph.constants.keys(),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ])
  const taken = [...graph.outputs, ...graph.nodes.flatMap(neededBy)]
  return taken.filter((tensor) => !own.has(tensor))
}
