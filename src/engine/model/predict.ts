import type { CompiledModel, LongCallOptions, Predictions } from './compiled.ts'
import { countOf, type Samples, type SamplesByInput, sampleReader, samplesByInput } from './samples.ts'

/**
 * What a network makes of samples [N, …shape] of each of its inputs: [N, numbers a sample], its outputs side by side.
 * @throws ShapeError, ArgumentError where the samples do not fit
 */
export async function predict(
  compiled: CompiledModel,
  samples: Samples | SamplesByInput,
  options: LongCallOptions,
): Promise<Predictions> {
  const given = samplesByInput('predict', samples, compiled.network.inputs)
  const readers = Object.entries(given).map(([name, own]) => [name, sampleReader(own)] as const)
  return compiled.inChunks(countOf(given), options, {
    key: 'predict',
    graph: (batch) => compiled.predictionGraph(batch),
    inputs: (first, batch) => Object.fromEntries(readers.map(([name, read]) => [name, read(first, batch)])),
  })
}
