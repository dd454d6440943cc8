import { sameShape, sizeOf } from '../tensor.ts'
import { inputsOf, type Step, type Trace, Value } from './trace.ts'

/** What rewrites ask of a trace's steps, and how they leave them: who writes and who reads a value, what is dead, what comes first. */

/**
 * Who writes and who reads each value. A rewrite asks of every step: so this is counted once a rewrite, and the rewrite tells it of
 * each change. What it drops stays in the trace until `leave`.
 */
export class Uses {
  private readonly writers = new Map<Value, Step>()
  /** By root; of an output of the whole trace null is a reader. */
  private readonly readers = new Map<Value, Set<Step | null>>()
  private readonly dropped = new Set<Step>()

  constructor(private readonly trace: Trace) {
    for (const step of trace.steps) {
      for (const output of step.outputs) this.writers.set(output, step)
      for (const input of inputsOf(step)) this.readersOf(input).add(step)
    }
    for (const output of trace.outputs.values()) this.readersOf(output).add(null)
  }

  private readersOf({ root }: Value): Set<Step | null> {
    const known = this.readers.get(root)
    if (known) return known
    const readers = new Set<Step | null>()
    this.readers.set(root, readers)
    return readers
  }

  /** The step that writes just this value: of a view none. */
  writerOf(value: Value): Step | undefined {
    return this.writers.get(value)
  }

  /** The steps that read a value or a part of it, as they were listed. */
  readingSteps(value: Value): Step[] {
    return [...this.readersOf(value)].filter((reader) => reader !== null)
  }

  /** By one step and as one of its inputs, or as one output of the whole, and by nothing else. */
  isReadOnce(value: Value): boolean {
    const [reader, ...others] = this.readersOf(value)
    if (reader === undefined || others.length > 0) return false
    return reader === null || inputsOf(reader).filter(({ root }) => root === value.root).length === 1
  }

  /** The step that writes `value`, if nothing but one step reads what it writes, and once (not y in y + y): then its epilogue may grow. */
  soleProducer(value: Value, kernels: ReadonlySet<string>): Step | null {
    const { root } = value
    const producer = this.writers.get(root)
    if (!producer || !kernels.has(producer.kernel) || !this.isReadOnce(root)) return null
    return sizeOf(value.shape) === sizeOf(root.shape) ? producer : null
  }

  /** Whether a value is computed from what `source` writes. */
  dependsOn(value: Value, source: Step): boolean {
    const pending = [value.root]
    const seen = new Set<Value>(pending)
    for (const root of pending) {
      const writer = this.writers.get(root)
      if (writer === source) return true
      for (const { root: input } of writer ? inputsOf(writer) : [])
        if (!seen.has(input)) {
          seen.add(input)
          pending.push(input)
        }
    }
    return false
  }

  /** The step reads these from now on. */
  setInputs(step: Step, inputs: Step['inputs']): void {
    for (const input of inputsOf(step)) this.readersOf(input).delete(step)
    step.inputs = inputs
    for (const input of inputsOf(step)) this.readersOf(input).add(step)
  }

  /** `step` writes this, too; whoever wrote it is dropped. */
  addOutput(step: Step, output: Value): void {
    step.outputs.push(output)
    this.writers.set(output, step)
  }

  /** A new step that changes no state; its result. */
  insert(kernel: string, inputs: Step['inputs'], shape: readonly number[]): Value {
    const result = new Value(shape, 'f32')
    const step = { kernel, inputs, outputs: [result], states: [], attributes: {}, flops: sizeOf(shape) }
    this.trace.steps.push(step)
    this.writers.set(result, step)
    for (const input of inputsOf(step)) this.readersOf(input).add(step)
    return result
  }

  /** What `step` wrote is what `producer` writes, and `step` is dropped. */
  merge(step: Step, producer: Step): void {
    const [result] = step.outputs
    const [product] = producer.outputs
    const readers = this.readersOf(result)
    this.drop(step)
    result.view = { of: product, offset: 0 }
    for (const reader of readers) this.readersOf(product).add(reader)
  }

  /** Nobody reads what the step writes, or another one writes it. */
  drop(step: Step): void {
    for (const input of inputsOf(step)) this.readersOf(input).delete(step)
    this.dropped.add(step)
  }

  /** Leaves the trace without what was dropped, inputs before their users. */
  leave(): void {
    this.trace.steps = sortSteps(this.trace.steps.filter((step) => !this.dropped.has(step)))
  }
}

/** Whether two values are the same numbers in the same shape. */
export function isSame(a: Value | undefined, b: Value): boolean {
  return a?.root === b.root && a.offset === b.offset && sameShape(a.shape, b.shape)
}

/** The inputs of an operation on two that may change places. */
export function bothOrders({ inputs: { a, b } }: Step): readonly (readonly [Value, Value])[] {
  return [
    [a, b],
    [b, a],
  ]
}

/** Drops steps whose results nobody reads. */
export function removeDeadSteps(trace: Trace): void {
  const live = new Set([...trace.outputs.values()].map((value) => value.root))
  trace.steps = [...trace.steps]
    .reverse()
    .filter((step) => {
      const needed = step.states.length > 0 || step.outputs.some((output) => live.has(output.root))
      if (needed) for (const input of inputsOf(step)) live.add(input.root)
      return needed
    })
    .reverse()
}

/** Inputs before their users, updates last, otherwise as given. Without recursion: a graph may be deeper than the stack. */
export function sortSteps(steps: readonly Step[]): Step[] {
  const writers = new Map<Value, Step[]>()
  for (const step of steps)
    for (const { root } of step.outputs) {
      const known = writers.get(root)
      if (known) known.push(step)
      else writers.set(root, [step])
    }
  const sorted = new Set<Step>()
  const begun = new Set<Step>()
  /** The step that is to be sorted and, before it, those that wait for one another; each with what it still waits for. */
  const waiting: { readonly step: Step; readonly needed: Step[] }[] = []
  const begin = (step: Step): void => {
    if (sorted.has(step)) return
    if (begun.has(step)) throw new Error(`fuse: ${step.kernel} depends on its own result`)
    begun.add(step)
    const needed = inputsOf(step)
      .flatMap(({ root }) => writers.get(root) ?? [])
      .filter((writer) => writer !== step)
    waiting.push({ step, needed: needed.reverse() })
  }
  const sort = (step: Step): void => {
    begin(step)
    for (let last = waiting.at(-1); last; last = waiting.at(-1)) {
      const next = last.needed.pop()
      if (next) begin(next)
      else {
        sorted.add(last.step)
        waiting.pop()
      }
    }
  }
  for (const step of steps) if (step.states.length === 0) sort(step)
  for (const step of steps) sort(step)
  return [...sorted]
}
