import type { CompiledModel, LongCallOptions, Predictions } from './compiled.ts'
import { onlyInput } from './network.ts'
import { type Samples, sampleReader } from './samples.ts'

/** What a network makes of samples [N, …shape] of its only input: [N, numbers a sample], its outputs side by side. */
export function predict(compiled: CompiledModel, samples: Samples, options: LongCallOptions): Promise<Predictions> {
  const { name } = onlyInput(compiled.network)
  const read = sampleReader(samples)
  return compiled.inChunks(samples.shape[0], options, {
    key: 'predict',
    graph: (batch) => compiled.predictionGraph(batch),
    inputs: (first, batch) => ({ [name]: read(first, batch) }),
  })
}
