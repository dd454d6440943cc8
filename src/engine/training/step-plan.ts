import { gradients } from '../gradients.ts'
import type { CompiledModel } from '../model/compiled.ts'
import { only } from '../model/network.ts'
import { type Samples, type SamplesByInput, samplesInOrder } from '../model/samples.ts'
import { gather } from '../ops/gather.ts'
import { mean } from '../ops/reduce.ts'
import { describePlan, makePlan, type Plan } from '../plan/plan.ts'
import { Input, Resident, type Tensor } from '../tensor.ts'
import { recordUpdate } from '../updates/record.ts'
import { ofInput } from './input-names.ts'
import { labelInput, labelType, type Objective, sampleScores } from './objective.ts'
import type { Optimizer } from './optimizers.ts'
import { ringRows } from './state.ts'

/** One step of training as a plan: a batch in, forward, gradients, updates, and the loss and what is told beside it into the ring. */

/** Updates of the parameters and of the ring of scores, from a batch of each input's samples and of labels. */
function stepUpdates(
  compiled: CompiledModel,
  optimizer: Optimizer,
  objective: Objective,
  given: readonly Tensor[],
  labels: Tensor,
) {
  const position = new Input('position', [1], 'i32')
  const [stepSize, decay] = [new Input('stepSize', [1]), new Input('decay', [1])]
  const { outputs, updates } = compiled.apply(given, { training: true, position })
  const output = only('outputs', outputs)
  const means = [...sampleScores(objective, output, labels).values()].map((scores) => mean(scores))
  const trained = compiled.network.parameters.flatMap(({ name, trainable }, i) =>
    trainable ? [{ name, parameter: compiled.parameters[i] }] : [],
  )
  const slopes = gradients(
    means[0],
    trained.map(({ parameter }) => parameter),
  )
  const learned = trained.map(({ name, parameter }, i) => {
    const slots = optimizer.slots.map((block) => new Resident(block, parameter.offset, parameter.shape))
    return optimizer.update({ name, parameter, slots, gradient: slopes[i], stepSize, decay })
  })
  const ring = new Resident('ring', 0, [ringRows, means.length])
  return [...learned, ...updates, recordUpdate(ring, position, means)]
}

/** The plan of a training step on a data set that lives on the device. */
export function trainingStepPlan(
  compiled: CompiledModel,
  optimizer: Optimizer,
  samples: Samples | SamplesByInput,
  batch: number,
  objective: Objective = {},
): Plan {
  const indices = new Input('indices', [batch], 'i32')
  const all = samplesInOrder(samples, compiled.network.inputs)
  const given = all.map(({ data, shape, scale = 1 }, i) => {
    const stored = new Resident(ofInput('samples', i), 0, shape, data instanceof Uint8Array ? 'u8' : 'f32')
    return gather(stored, indices, { scale })
  })
  const truth = labelType(objective, only('outputs', compiled.network.outputs).shape, all[0].shape[0])
  const labels = new Resident('labels', 0, truth.shape, truth.dtype)
  const updates = stepUpdates(compiled, optimizer, objective, given, gather(labels, indices))
  return makePlan({ outputs: {}, updates }, compiled.device.fusions)
}

/** The plan of a training step whose batches the host sends: for data sets larger than the device takes. */
export function streamedStepPlan(
  compiled: CompiledModel,
  optimizer: Optimizer,
  batch: number,
  objective: Objective = {},
): Plan {
  const given = compiled.network.inputs.map(({ shape }, i) => new Input(ofInput('x', i), [batch, ...shape]))
  const labels = labelInput(objective, only('outputs', compiled.network.outputs).shape, batch)
  const updates = stepUpdates(compiled, optimizer, objective, given, labels)
  return makePlan({ outputs: {}, updates }, compiled.device.fusions)
}

/** The training step's plan as text. */
export function describeTrainingStep(
  compiled: CompiledModel,
  optimizer: Optimizer,
  samples: Samples | SamplesByInput,
  batch: number,
  objective: Objective = {},
): string {
  return describePlan(trainingStepPlan(compiled, optimizer, samples, batch, objective))
}
