import { gradients } from '../gradients.ts'
import type { CompiledModel } from '../model/compiled.ts'
import { only, onlyInput } from '../model/network.ts'
import type { Samples } from '../model/samples.ts'
import { gather } from '../ops/gather.ts'
import { mean } from '../ops/reduce.ts'
import { describePlan, makePlan, type Plan } from '../plan/plan.ts'
import { Input, Resident, type Tensor } from '../tensor.ts'
import { recordUpdate } from '../updates/record.ts'
import { hits, sparseCategoricalCrossentropy } from './losses.ts'
import type { Optimizer } from './optimizers.ts'
import { ringRows } from './state.ts'

/** One step of training as a plan: a batch in, forward, gradients, updates, and the loss into the ring. */

/** Updates of the parameters and of the ring of losses, from a batch of `x` and labels. */
function stepUpdates(compiled: CompiledModel, optimizer: Optimizer, x: Tensor, labels: Tensor) {
  const position = new Input('position', [1], 'i32')
  const stepSize = new Input('stepSize', [1])
  const { outputs, updates } = compiled.apply([x], { training: true, position })
  const output = only('outputs', outputs)
  const loss = mean(sparseCategoricalCrossentropy(output, labels))
  const accuracy = mean(hits(output, labels))
  const trained = compiled.parameters.filter((_, i) => compiled.network.parameters[i].trainable)
  const slopes = gradients(loss, trained)
  const learned = trained.map((parameter, i) => {
    const slots = optimizer.slots.map((block) => new Resident(block, parameter.offset, parameter.shape))
    return optimizer.update(parameter, slots, slopes[i], stepSize)
  })
  return [...learned, ...updates, recordUpdate(new Resident('ring', 0, [ringRows, 2]), position, [loss, accuracy])]
}

/** The plan of a training step on a data set that lives on the device. */
export function trainingStepPlan(compiled: CompiledModel, optimizer: Optimizer, samples: Samples, batch: number): Plan {
  const indices = new Input('indices', [batch], 'i32')
  const data = new Resident('samples', 0, samples.shape, samples.data instanceof Uint8Array ? 'u8' : 'f32')
  const labels = new Resident('labels', 0, [samples.shape[0]], 'i32')
  const x = gather(data, indices, { scale: samples.scale ?? 1 })
  const updates = stepUpdates(compiled, optimizer, x, gather(labels, indices))
  return makePlan({ outputs: {}, updates }, compiled.device.fusions)
}

/** The plan of a training step whose batches the host sends: for data sets larger than the device takes. */
export function streamedStepPlan(compiled: CompiledModel, optimizer: Optimizer, batch: number): Plan {
  const x = new Input('x', [batch, ...onlyInput(compiled.network).shape])
  const updates = stepUpdates(compiled, optimizer, x, new Input('labels', [batch], 'i32'))
  return makePlan({ outputs: {}, updates }, compiled.device.fusions)
}

/** The training step's plan as text. */
export function describeTrainingStep(
  compiled: CompiledModel,
  optimizer: Optimizer,
  samples: Samples,
  batch: number,
): string {
  return describePlan(trainingStepPlan(compiled, optimizer, samples, batch))
}
