import { align, byteLengthOf, Resident, sizeOf } from '../tensor.ts'
import { type Step, type Trace, Value } from './trace.ts'
import { sortSteps, Uses } from './trace-steps.ts'

const flatKinds = ['adam', 'sgd'] as const

/**
 * One update over the flat parameter buffer instead of one a parameter. The states already lie one behind the other in
 * their blocks; the gradients are made to lie the same way, as views into one flat value.
 */
export function flattenUpdates(trace: Trace): void {
  for (const kind of flatKinds) {
    const group = trace.steps
      .filter((step) => step.kernel === kind)
      .sort((a, b) => residentOf(a.states[0]).offset - residentOf(b.states[0]).offset)
    if (group.length < 2 || !share(group) || !isWithoutGaps(group)) continue
    const [first] = group
    const last = group[group.length - 1]
    const start = residentOf(first.states[0]).offset
    const bytes = residentOf(last.states[0]).offset + byteLengthOf(last.states[0]) - start
    const gradients = new Value([bytes / 4], 'f32')
    // A gradient that something else reads, too (two equal ones are one value), keeps its place and is copied.
    const uses = new Uses(trace)
    const soleReaders = group.map((step) => uses.isReadOnce(step.inputs.gradient))
    for (const [index, step] of group.entries()) {
      const gradient = step.inputs.gradient.root
      const place = residentOf(step.states[0]).offset - start
      const movable =
        uses.writerOf(gradient) && soleReaders[index] && sizeOf(gradient.shape) === sizeOf(step.states[0].shape)
      if (movable) gradient.view = { of: gradients, offset: place }
      else {
        const copy = new Value(step.inputs.gradient.shape, 'f32')
        copy.view = { of: gradients, offset: place }
        trace.steps.push({
          kernel: 'broadcast',
          inputs: { x: step.inputs.gradient },
          outputs: [copy],
          states: [],
          attributes: { shape: copy.shape },
          flops: 0,
        })
      }
    }
    const states = first.states.map((state) => {
      const { block, offset } = residentOf(state)
      return new Value([bytes / 4], 'f32', new Resident(block, offset, [bytes / 4]))
    })
    const flops = group.reduce((total, step) => total + step.flops, 0)
    trace.steps = trace.steps.filter((step) => !group.includes(step))
    trace.steps.push({
      kernel: kind,
      inputs: { gradient: gradients, stepSize: first.inputs.stepSize },
      outputs: [],
      states,
      attributes: first.attributes,
      flops,
    })
    trace.steps = sortSteps(trace.steps)
  }
}

function residentOf(value: Value): Resident {
  if (value.leaf instanceof Resident) return value.leaf
  throw new Error('fuse: an update changes a value that does not live on the device')
}

/** Whether updates differ in nothing but which part of the same blocks they change. */
function share(group: readonly Step[]): boolean {
  const [first] = group
  const signature = (step: Step) =>
    JSON.stringify([step.attributes, step.states.map((state) => residentOf(state).block)])
  return group.every(
    (step) =>
      signature(step) === signature(first) &&
      step.inputs.stepSize === first.inputs.stepSize &&
      step.states.every((state, index) => {
        const shift = residentOf(first.states[index]).offset - residentOf(first.states[0]).offset
        return residentOf(state).offset - residentOf(step.states[0]).offset === shift
      }),
  )
}

/** Whether updates, in the order of their places, leave out nothing between the first and the last: no frozen parameter. */
function isWithoutGaps(group: readonly Step[]): boolean {
  return group.every((step, index) => {
    if (index === 0) return true
    const before = group[index - 1].states[0]
    return residentOf(step.states[0]).offset === align(residentOf(before).offset + byteLengthOf(before))
  })
}
