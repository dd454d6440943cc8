import { byteLengthOf } from '../tensor.ts'
import { inputsOf, type Step, type Value } from './trace.ts'

/**
 * The order of a plan's steps, chosen so that little memory is alive at a time: a gradient's big arrays should be read by all
 * their readers and be gone before the next ones are made. List scheduling: of the steps whose inputs are ready, the one
 * that adds least to what is alive comes next, of equals the one that makes least, then the first. Updates stay last, in their
 * order: all else reads the state as it was before them.
 */
export function schedule(steps: readonly Step[], isOutput: (root: Value) => boolean): Step[] {
  const updates = steps.filter(({ states }) => states.length > 0)
  const isCounted = (root: Value) => root.leaf === null && !isOutput(root)
  const frugal = [...listSchedule(steps, isCounted), ...updates]
  return peakBytes(frugal, isCounted) < peakBytes(steps, isCounted) ? frugal : [...steps]
}

const rootsOf = (values: readonly Value[]): Value[] => [...new Set(values.map(({ root }) => root))]

/** Which steps a value's root is read or written by. */
function stepsByRoot(steps: readonly Step[], rootsOfStep: (step: Step) => readonly Value[]): Map<Value, Step[]> {
  const byRoot = new Map<Value, Step[]>()
  for (const step of steps)
    for (const root of rootsOfStep(step)) {
      const known = byRoot.get(root)
      if (known) known.push(step)
      else byRoot.set(root, [step])
    }
  return byRoot
}

/** A step with what scheduling asks of it again and again. */
interface Task {
  readonly step: Step
  /** The place in the list that was given. */
  readonly index: number
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  /** Inputs that are not written yet. */
  missing: number
}

/** Bytes that a step makes, and by how much what is alive grows. */
interface Cost {
  readonly task: Task
  readonly made: number
  readonly growth: number
}

/** The order in which steps are to come: negative if `a` is before `b`. */
function compare(a: Cost, b: Cost): number {
  return a.growth - b.growth || a.made - b.made || a.task.index - b.task.index
}

function listSchedule(steps: readonly Step[], isCounted: (root: Value) => boolean): Step[] {
  const tasks = new Map<Step, Task>()
  for (const [index, step] of steps.entries())
    if (step.states.length === 0)
      tasks.set(step, { step, index, inputs: rootsOf(inputsOf(step)), outputs: rootsOf(step.outputs), missing: 0 })
  /** Several steps may write parts of one value: it is ready when all have. */
  const writers = stepsByRoot([...tasks.keys()], ({ outputs }) => rootsOf(outputs))
  const readers = stepsByRoot(steps, (step) => rootsOf(inputsOf(step)))
  const countOf = (byRoot: ReadonlyMap<Value, readonly Step[]>) =>
    new Map([...byRoot].map(([root, { length }]) => [root, length]))
  const [unwritten, unread] = [countOf(writers), countOf(readers)]
  const alive = new Set<Value>()
  const costOf = (task: Task): Cost => {
    let [made, ended] = [0, 0]
    for (const root of task.outputs) if (isCounted(root) && !alive.has(root)) made += byteLengthOf(root)
    for (const root of task.inputs) if (isCounted(root) && unread.get(root) === 1) ended += byteLengthOf(root)
    return { task, made, growth: made - ended }
  }
  const ready = new Set<Task>()
  for (const task of tasks.values()) {
    task.missing = task.inputs.filter((root) => unwritten.has(root)).length
    if (task.missing === 0) ready.add(task)
  }
  const ordered: Step[] = []
  while (ready.size > 0) {
    const { task } = [...ready].map(costOf).reduce((least, cost) => (compare(cost, least) < 0 ? cost : least))
    ready.delete(task)
    ordered.push(task.step)
    for (const root of task.inputs) unread.set(root, (unread.get(root) ?? 0) - 1)
    for (const root of task.outputs) {
      alive.add(root)
      const left = (unwritten.get(root) ?? 0) - 1
      unwritten.set(root, left)
      if (left > 0) continue
      for (const reader of readers.get(root) ?? []) {
        const waiting = tasks.get(reader)
        if (waiting && --waiting.missing === 0) ready.add(waiting)
      }
    }
  }
  if (ordered.length < tasks.size) throw new Error('schedule: steps depend on each other in a circle')
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
