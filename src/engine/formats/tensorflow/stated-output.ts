import type { OutputKind } from '../../model/picture-network.ts'
import type { StatedImages } from '../opened-model.ts'
import type { OperatorNode } from '../operators/operator-graph.ts'

/** What a network's numbers are, where its last operator says so; nodes that only pass them on are looked through. */
export function statedOutput(
  nodes: readonly OperatorNode[],
  outputs: readonly string[],
  kinds: Readonly<Record<string, OutputKind>>,
): StatedImages {
  const [output] = outputs
  let tensor = output
  for (let i = nodes.length - 1; i >= 0; i--) {
    const { operator, inputs, outputs: made } = nodes[i]
    if (!made.includes(tensor)) continue
    if (Object.hasOwn(kinds, operator))
      return { output: { value: kinds[operator], source: `its last operator, ${operator}` } }
    if (!passing.has(operator)) return {}
    tensor = inputs[0]
  }
  return {}
}

const passing = new Set(['DEQUANTIZE', 'Identity', 'QUANTIZE', 'RESHAPE', 'Reshape', 'SQUEEZE', 'Squeeze'])
