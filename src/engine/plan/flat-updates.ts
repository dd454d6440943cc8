import { align, byteLengthOf, Resident, sizeOf } from '../tensor.ts'
import { type Step, type Trace, Value } from './trace.ts'
import { sortSteps, Uses } from './trace-steps.ts'

/**
 * One update over a flat part of the parameter buffer instead of one a parameter. The states already lie one behind the other in
 * their blocks; what the updates take, gradients mostly, is made to lie the same way, as views into one flat value.
 */

/** Updates that do the same to each number, whatever parameter it belongs to; and which input has a number for each. */
const flatKinds = {
  adam: 'gradient',
  adamW: 'gradient',
  sgd: 'gradient',
  nesterov: 'gradient',
  assign: 'value',
} as const

export function flattenUpdates(trace: Trace): void {
  for (const [kind, input] of Object.entries(flatKinds))
    for (const run of runsOf(
      trace.steps.filter(({ kernel }) => kernel === kind),
      input,
    ))
      if (run.length > 1) flatten(trace, run, input)
}

/** Updates of one kind, cut where they differ or where what lies between two of them is not updated: a frozen parameter, say. */
function runsOf(updates: readonly Step[], input: string): Step[][] {
  const runs: Step[][] = []
  for (const step of [...updates].sort(byPlace)) {
    const run = runs.at(-1)
    const before = run?.at(-1)
    if (run && before && isAlike(step, before, input) && isNextTo(step, before)) run.push(step)
    else runs.push([step])
  }
  return runs
}

function byPlace(a: Step, b: Step): number {
  const [first, second] = [residentOf(a.states[0]), residentOf(b.states[0])]
  if (first.block === second.block) return first.offset - second.offset
  return first.block < second.block ? -1 : 1
}

function flatten(trace: Trace, run: readonly Step[], input: string): void {
  const [first] = run
  const last = run[run.length - 1]
  const start = residentOf(first.states[0]).offset
  const bytes = residentOf(last.states[0]).offset + byteLengthOf(last.states[0]) - start
  const flat = new Value([bytes / 4], 'f32')
  // What something else reads, too (two equal gradients are one value), keeps its place and is copied.
  const uses = new Uses(trace)
  const soleReaders = run.map((step) => uses.isReadOnce(step.inputs[input]))
  for (const [index, step] of run.entries()) {
    const given = step.inputs[input].root
    const place = residentOf(step.states[0]).offset - start
    const movable = uses.writerOf(given) && soleReaders[index] && sizeOf(given.shape) === sizeOf(step.states[0].shape)
    if (movable) given.view = { of: flat, offset: place }
    else {
      const copy = new Value(step.inputs[input].shape, 'f32')
      copy.view = { of: flat, offset: place }
      trace.steps.push({
        kernel: 'broadcast',
        inputs: { x: step.inputs[input] },
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
  const flops = run.reduce((total, step) => total + step.flops, 0)
  trace.steps = trace.steps.filter((step) => !run.includes(step))
  trace.steps.push({
    kernel: first.kernel,
    inputs: { ...first.inputs, [input]: flat },
    outputs: [],
    states,
    attributes: first.attributes,
    flops,
  })
  trace.steps = sortSteps(trace.steps)
}

function residentOf(value: Value): Resident {
  if (value.leaf instanceof Resident) return value.leaf
  throw new Error('fuse: an update changes a value that does not live on the device')
}

/** Whether two updates differ in nothing but which part of the same blocks they change, and what each makes of it. */
function isAlike(a: Step, b: Step, input: string): boolean {
  const shift = (step: Step, index: number) => residentOf(step.states[index]).offset - residentOf(step.states[0]).offset
  return (
    JSON.stringify(a.attributes) === JSON.stringify(b.attributes) &&
    Object.entries(a.inputs).every(([name, value]) => name === input || value === b.inputs[name]) &&
    a.states.every(
      (state, index) =>
        residentOf(state).block === residentOf(b.states[index]).block && shift(a, index) === shift(b, index),
    )
  )
}

/** Whether the first number that `step` changes comes after the last one of `before`, but for padding. */
function isNextTo(step: Step, before: Step): boolean {
  const end = residentOf(before.states[0]).offset + byteLengthOf(before.states[0])
  return residentOf(step.states[0]).offset === align(end)
}
