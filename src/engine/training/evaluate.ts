import type { CompiledModel, LongCallOptions } from '../model/compiled.ts'
import { only } from '../model/network.ts'
import {
  isTargets,
  type Labels,
  type Samples,
  type SamplesByInput,
  sampleReader,
  samplesInOrder,
  type Targets,
} from '../model/samples.ts'
import { Input } from '../tensor.ts'
import { ofInput } from './input-names.ts'
import { labelInput, type Objective, type Scores, sampleScores, scoreNames } from './objective.ts'

/** Mean loss and metrics of a network of one output on labelled samples of each of its inputs. */
export async function evaluate(
  compiled: CompiledModel,
  samples: Samples | SamplesByInput,
  labels: Labels | Targets,
  options: LongCallOptions,
  objective: Objective = {},
): Promise<Scores> {
  const { inputs, outputs } = compiled.network
  const { shape } = only('outputs', outputs)
  const given = samplesInOrder(samples, inputs)
  const total = given[0].shape[0]
  const readers = given.map(sampleReader)
  const readLabels = labelReader(labels)
  const names = scoreNames(objective)
  const { data } = await compiled.inChunks(total, options, {
    key: `evaluate:${objective.loss}:${names}`,
    graph: (batch) => {
      const x = inputs.map((input, i) => new Input(ofInput('x', i), [batch, ...input.shape]))
      const output = only('outputs', compiled.apply(x).outputs)
      return { outputs: Object.fromEntries(sampleScores(objective, output, labelInput(objective, shape, batch))) }
    },
    inputs: (first, batch) => ({
      ...Object.fromEntries(readers.map((read, i) => [ofInput('x', i), read(first, batch)])),
      labels: readLabels(first, batch),
    }),
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
