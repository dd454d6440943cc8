import type { CompiledModel, LongCallOptions } from '../model/compiled.ts'
import { only, onlyInput } from '../model/network.ts'
import { isTargets, type Labels, type Samples, sampleReader, type Targets } from '../model/samples.ts'
import { Input } from '../tensor.ts'
import { labelInput, type Objective, type Scores, sampleScores, scoreNames } from './objective.ts'

/** Mean loss and metrics of a network of one input and one output on labelled samples. */
export async function evaluate(
  compiled: CompiledModel,
  samples: Samples,
  labels: Labels | Targets,
  options: LongCallOptions,
  objective: Objective = {},
): Promise<Scores> {
  const { shape } = onlyInput(compiled.network)
  const output = only('outputs', compiled.network.outputs)
  const total = samples.shape[0]
  const read = sampleReader(samples)
  const readLabels = labelReader(labels)
  const names = scoreNames(objective)
  const { data } = await compiled.inChunks(total, options, {
    key: `evaluate:${objective.loss}:${names}`,
    graph: (batch) => {
      const [x, y] = [new Input('x', [batch, ...shape]), labelInput(objective, output.shape, batch)]
      return { outputs: Object.fromEntries(sampleScores(objective, compiled.forward(x), y)) }
    },
    inputs: (first, batch) => ({ x: read(first, batch), labels: readLabels(first, batch) }),
  })
  const sums = names.map(() => 0)
  for (let i = 0; i < data.length; i++) sums[i % names.length] += data[i]
  return Object.fromEntries(names.map((name, i) => [name, sums[i] / total])) as unknown as Scores
}

/** Gives labels [first, first + count); zeros where there are no more. */
function labelReader(labels: Labels | Targets): (first: number, count: number) => Float32Array | Int32Array {
  if (isTargets(labels)) return sampleReader(labels)
  return (first, count) => {
    const chunk = new Int32Array(count)
    for (let i = 0; i < Math.min(count, labels.length - first); i++) chunk[i] = labels[first + i]
    return chunk
  }
}
