import { blendGraph } from '../blend/predict-blended.ts'
import type { Measurement } from '../device.ts'
import { ArgumentError } from '../errors.ts'
import type { CompiledModel } from '../model/compiled.ts'
import type { Plan } from '../plan/plan.ts'
import type { Graph } from '../plan/trace.ts'
import { trainingStepPlan } from '../training/step-plan.ts'
import type { BatchMeasurementOptions, CompileOptions } from './options.ts'

/** Measurements of a model's kernels, in all that it is used for. */

/** Finds the fastest kernels for predictions, explanations of images, and training where there is an optimizer. */
export async function tune(
  compiled: CompiledModel,
  compiledWith: CompileOptions,
  { batchSize = 256, ...options }: BatchMeasurementOptions,
): Promise<readonly Measurement[]> {
  const { device, network } = compiled
  if (!device.tune) return []
  // A software adapter would take minutes for its largest batch, and is full with less, though with more than a few images: see stepName.
  const [smallest, , small] = device.batchSizes
  const large = device.info.isFallbackAdapter ? small : Math.max(...device.batchSizes)
  const graphs = [compiled.predictionGraph(smallest), compiled.predictionGraph(large)]
  const [{ shape }, ...others] = network.inputs
  if (others.length === 0 && shape.length === 3) graphs.push(blendGraph(compiled, large, 1))
  return device.tune(plansToMeasure(compiled, compiledWith, graphs, batchSize), options)
}

/** Measures each step of a prediction for so many samples, and of a training step where there is an optimizer. */
export async function profile(
  compiled: CompiledModel,
  compiledWith: CompileOptions,
  { batchSize = 32, ...options }: BatchMeasurementOptions,
): Promise<readonly Measurement[]> {
  const { device } = compiled
  if (!device.profile) return []
  const graphs = [compiled.predictionGraph(batchSize)]
  return device.profile(plansToMeasure(compiled, compiledWith, graphs, batchSize), options)
}

/** The graphs' plans, and a training step's of so many samples, their numbers bytes. */
function plansToMeasure(
  compiled: CompiledModel,
  compiledWith: CompileOptions,
  graphs: readonly Graph[],
  batch: number,
): Plan[] {
  const plans = graphs.map((graph) => compiled.plan(graph))
  const { optimizer } = compiledWith
  if (!optimizer) return plans
  const samples = Object.fromEntries(
    compiled.network.inputs.map(({ name, shape }) => [name, { data: new Uint8Array(0), shape: [batch, ...shape] }]),
  )
  const training = trainingStepPlan(compiled, optimizer, samples, batch, compiledWith)
  const { maxBlockBytes } = compiled.device
  // Refused at once, not after the predictions were measured.
  if (training.largestOperandBytes > maxBlockBytes)
    throw new ArgumentError(
      `batchSize ${batch}: a training step would need a block of ${training.largestOperandBytes} bytes; the device holds at most ${maxBlockBytes}`,
    )
  return [...plans, training]
}
