import { sizeOf } from '../tensor.ts'
import type { Step, Trace, Value } from './trace.ts'

/** What rewrites ask of a trace's steps, and how they leave them: who writes and who reads a value, what is dead, what comes first. */

/** The step that writes `value`, if that value has no other reader than one step: then its epilogue may grow. */
export function soleProducer(trace: Trace, value: Value, kernels: ReadonlySet<string>): Step | null {
  const root = value.root
  const producer = trace.steps.find((step) => step.outputs.includes(root))
  if (!producer || !kernels.has(producer.kernel) || readers(trace, root) !== 1) return null
  return sizeOf(value.shape) === sizeOf(root.shape) ? producer : null
}

/** How many steps and outputs read a value. */
export function readers(trace: Trace, root: Value): number {
  const inSteps = trace.steps.filter((step) => step.inputs.some((input) => input.root === root)).length
  return inSteps + [...trace.outputs.values()].filter((value) => value.root === root).length
}

/** Whether a value is computed from what `source` writes. */
export function dependsOn(trace: Trace, value: Value, source: Step): boolean {
  const pending = [value.root]
  const seen = new Set<Value>(pending)
  for (const root of pending) {
    const writer = trace.steps.find((step) => step.outputs.some((output) => output.root === root))
    if (writer === source) return true
    for (const { root: input } of writer?.inputs ?? [])
      if (!seen.has(input)) {
        seen.add(input)
        pending.push(input)
      }
  }
  return false
}

/** Drops steps whose results nobody reads. */
export function removeDeadSteps(trace: Trace): void {
  const live = new Set([...trace.outputs.values()].map((value) => value.root))
  trace.steps = [...trace.steps]
    .reverse()
    .filter((step) => {
      const needed = step.states.length > 0 || step.outputs.some((output) => live.has(output.root))
      if (needed) for (const input of step.inputs) live.add(input.root)
      return needed
    })
    .reverse()
}

/** Inputs before their users, updates last, otherwise as given. */
export function sortSteps(steps: readonly Step[]): Step[] {
  const writers = new Map<Value, Step[]>()
  for (const step of steps)
    for (const output of step.outputs) writers.set(output.root, [...(writers.get(output.root) ?? []), step])
  const sorted = new Set<Step>()
  const begun = new Set<Step>()
  const visit = (step: Step): void => {
    if (sorted.has(step)) return
    if (begun.has(step)) throw new Error(`fuse: ${step.kernel} depends on its own result`)
    begun.add(step)
    for (const input of step.inputs)
      for (const writer of writers.get(input.root) ?? []) if (writer !== step) visit(writer)
    sorted.add(step)
  }
  for (const step of steps) if (step.states.length === 0) visit(step)
  for (const step of steps) visit(step)
  return [...sorted]
}
