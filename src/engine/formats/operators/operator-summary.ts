import { totalsOf } from '../../model/summary.ts'
import type { OperatorNode } from './operator-graph.ts'
import type { OperatorNetwork } from './operator-network.ts'

/** A network of operators in few lines: inputs, outputs, how often each operator occurs, and its weights. */
export function operatorSummary(network: OperatorNetwork): string {
  const { operators, nodes, inputs, outputs } = network
  const shown = (ports: typeof inputs) =>
    ports.map(({ name, shape }) => `${name} (${['None', ...shape].join(', ')})`).join(', ')
  const counts = operatorCounts(nodes)
  const width = counts.reduce((widest, [operator]) => Math.max(widest, operator.length), 0)
  return [
    `Model: ${operators.name}, ${nodes.length} nodes`,
    `Inputs: ${shown(inputs)}`,
    `Outputs: ${shown(outputs)}`,
    ...counts.map(([operator, count]) => `  ${operator.padEnd(width)}  ${count}`),
    ...totalsOf(network.parameters),
  ].join('\n')
}

/** How often each operator occurs, the most frequent first. */
export function operatorCounts(nodes: readonly OperatorNode[]): [operator: string, count: number][] {
  const counts = new Map<string, number>()
  for (const { operator } of nodes) counts.set(operator, (counts.get(operator) ?? 0) + 1)
  return [...counts].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1))
}
