import type { CompiledModel, LongCallOptions } from '../model/compiled.ts'
import { onlyInput } from '../model/network.ts'
import { type Labels, type Samples, sampleReader } from '../model/samples.ts'
import { Input } from '../tensor.ts'
import { hits, sparseCategoricalCrossentropy } from './losses.ts'

/** Mean loss and accuracy of a network of one input and one output on labelled samples. */
export async function evaluate(
  compiled: CompiledModel,
  samples: Samples,
  labels: Labels,
  options: LongCallOptions,
): Promise<{ loss: number; accuracy: number }> {
  const { shape } = onlyInput(compiled.network)
  const total = samples.shape[0]
  const read = sampleReader(samples)
  const { data } = await compiled.inChunks(total, options, {
    key: 'evaluate',
    graph: (batch) => {
      const [x, y] = [new Input('x', [batch, ...shape]), new Input('labels', [batch], 'i32')]
      const output = compiled.forward(x)
      return { outputs: { loss: sparseCategoricalCrossentropy(output, y), hit: hits(output, y) } }
    },
    inputs: (first, batch) => {
      const chunk = new Int32Array(batch)
      for (let i = 0; i < Math.min(batch, total - first); i++) chunk[i] = labels[first + i]
      return { x: read(first, batch), labels: chunk }
    },
  })
  let loss = 0
  let right = 0
  for (let i = 0; i < total; i++) {
    loss += data[2 * i]
    right += data[2 * i + 1]
  }
  return { loss: loss / total, accuracy: right / total }
}
