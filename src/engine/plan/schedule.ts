import { byteLengthOf } from '../tensor.ts'
import { inputsOf, type Step, type Value } from './trace.ts'

/**
 * The order of a plan's steps, chosen so that little memory is alive at a time: a gradient's big arrays should be read by all
 * their readers and be gone before the next ones are made. List scheduling: of the steps whose inputs are ready, the one
 * that adds least to what is alive comes next, of equals the one that makes least, then the first. Updates stay last, in their order: all else reads the
 * state as it was before them.
 */
export function schedule(steps: readonly Step[], isOutput: (root: Value) => boolean): Step[] {
  const updates = steps.filter(({ states }) => states.length > 0)
  const isCounted = (root: Value) => root.leaf === null && !isOutput(root)
  const frugal = [...listSchedule(steps, isCounted), ...updates]
  return peakBytes(frugal, isCounted) < peakBytes(steps, isCounted) ? frugal : [...steps]
}

const rootsOf = (values: readonly Value[]): Value[] => [...new Set(values.map(({ root }) => root))]

function count(steps: readonly Step[], valuesOf: (step: Step) => readonly Value[]): Map<Value, number> {
  const counts = new Map<Value, number>()
  for (const step of steps) for (const root of rootsOf(valuesOf(step))) counts.set(root, (counts.get(root) ?? 0) + 1)
  return counts
}

function listSchedule(steps: readonly Step[], isCounted: (root: Value) => boolean): Step[] {
  const pending = new Set(steps.filter(({ states }) => states.length === 0))
  /** Several steps may write parts of one value: it is ready when all have. */
  const writers = count([...pending], ({ outputs }) => outputs)
  const readers = count(steps, inputsOf)
  const alive = new Set<Value>()
  const ordered: Step[] = []
  const bytesOf = (values: readonly Value[]) => values.reduce((total, value) => total + byteLengthOf(value), 0)
  const costOf = (step: Step): { made: number; growth: number } => {
    const made = bytesOf(rootsOf(step.outputs).filter((root) => isCounted(root) && !alive.has(root)))
    const ended = bytesOf(rootsOf(inputsOf(step)).filter((root) => isCounted(root) && readers.get(root) === 1))
    return { made, growth: made - ended }
  }
  const decrement = (counts: Map<Value, number>, root: Value) => counts.set(root, (counts.get(root) ?? 0) - 1)
  while (pending.size > 0) {
    let next: Step | null = null
    let least = { made: 0, growth: Number.POSITIVE_INFINITY }
    for (const step of pending) {
      if (rootsOf(inputsOf(step)).some((root) => (writers.get(root) ?? 0) > 0)) continue
      const cost = costOf(step)
      if (cost.growth < least.growth || (cost.growth === least.growth && cost.made < least.made)) {
        next = step
        least = cost
      }
    }
    if (!next) throw new Error('schedule: steps depend on each other in a circle')
    pending.delete(next)
    ordered.push(next)
    for (const root of rootsOf(next.outputs)) {
      decrement(writers, root)
      alive.add(root)
    }
    for (const root of rootsOf(inputsOf(next))) decrement(readers, root)
  }
  return ordered
}

/** The most bytes alive at once, each value from its first writer to its last reader. */
function peakBytes(steps: readonly Step[], isCounted: (root: Value) => boolean): number {
  const lifetimes = new Map<Value, { first: number; last: number }>()
  steps.forEach((step, index) => {
    for (const root of rootsOf([...inputsOf(step), ...step.outputs])) {
      if (!isCounted(root)) continue
      const lifetime = lifetimes.get(root)
      if (lifetime) lifetime.last = index
      else lifetimes.set(root, { first: index, last: index })
    }
  })
  const change = new Float64Array(steps.length + 1)
  for (const [root, { first, last }] of lifetimes) {
    change[first] += byteLengthOf(root)
    change[last + 1] -= byteLengthOf(root)
  }
  let bytes = 0
  let peak = 0
  for (const difference of change) {
    bytes += difference
    peak = Math.max(peak, bytes)
  }
  return peak
}
