import { topologicalOrder } from '../gradients.ts'
import { apply, type Tensor } from '../tensor.ts'

/**
 * A network's operations, as far as they depend on its input: inputs stand before their users, and the last makes the result. They
 * are spoken of by their positions, so that what is found out about one image holds for the graph of any number.
 */
export interface Operations {
  readonly source: Tensor
  readonly nodes: readonly Tensor[]
}

/** Where the input stands. */
export const sourcePosition = -1

export function operationsBetween(source: Tensor, result: Tensor): Operations {
  const dependent = new Set<Tensor>([source])
  const nodes: Tensor[] = []
  for (const node of topologicalOrder(result)) {
    if (!node.inputs.some((input) => dependent.has(input))) continue
    dependent.add(node)
    nodes.push(node)
  }
  return { source, nodes }
}

/** Whether operations are the same, one by one, whatever their extents. */
export function areAlike(a: Operations, b: Operations): boolean {
  return (
    a.nodes.length === b.nodes.length &&
    a.nodes.every(({ operation }, position) => operation.name === b.nodes[position].operation.name)
  )
}

/** The result, computed from what is known of some tensors, by their positions. */
export function continueFrom({ source, nodes }: Operations, known: ReadonlyMap<number, Tensor>): Tensor {
  const dependent = new Set<Tensor>([source, ...nodes])
  const values = new Map<Tensor, Tensor>()
  for (const [position, node] of [[sourcePosition, source] as const, ...nodes.entries()]) {
    const given = known.get(position)
    // What only leads to what is known is not asked for.
    const isAsked =
      position !== sourcePosition && node.inputs.every((input) => values.has(input) || !dependent.has(input))
    if (given) values.set(node, given)
    else if (isAsked)
      values.set(
        node,
        apply(
          node.operation,
          node.inputs.map((input) => values.get(input) ?? input),
          node.attributes,
        ),
      )
  }
  const result = values.get(nodes.at(-1) ?? source)
  if (!result) throw new Error('continueFrom: what is known does not suffice for the result')
  return result
}
