import { type Attributes, align, byteLengthOf, Constant, Resident } from '../tensor.ts'
import { type ArrangementOf, arrangeWeights } from './arrange-weights.ts'
import { inputsOf, type Step, type Trace, type Value } from './trace.ts'

/**
 * What hangs on parameters and constants alone is the same in every run until the parameters change: a batch norm's slope and
 * shift, a kernel that is transposed. Its steps are taken out of a trace and make another one, the preparation, which leaves what
 * the rest of the trace reads in blocks of residents. Terms:
 * - source: the block that the parameters live in.
 * - prepared value: a root that a step of the preparation writes.
 * A view of a parameter is no step, and is left where it is.
 */
export class PreparedValues {
  /** What makes a value -> the value's number. Equal numbers: equal values, whichever trace they stand in. */
  private readonly numbers = new Map<string, number>()
  /** By type. */
  private readonly constants = new Map<string, Constant[]>()
  /** By a value's number: where a preparation leaves it. */
  private readonly places = new Map<number, Resident>()
  private blocks = 0

  /**
   * @param mostBytes of a block
   * @param arrangementOf how the device wants weights to lie
   */
  constructor(
    private readonly source: string,
    private readonly mostBytes: number,
    private readonly arrangementOf: ArrangementOf = () => null,
  ) {}

  /**
   * Takes the steps of the preparation out of a fused trace, which must change no state. What an earlier trace's preparation makes is
   * read where that leaves it.
   * @returns the steps that make the rest, and the blocks they leave it in, with their bytes; null where there is nothing to make
   */
  takeFrom(trace: Trace): { readonly trace: Trace; readonly blocks: Readonly<Record<string, number>> } | null {
    if (trace.steps.some(({ states }) => states.length > 0))
      throw new Error('prepare: what changes parameters must read them as they are')
    const arranging = arrangeWeights(trace, this.source, this.arrangementOf)
    const taken = preparableSteps(trace.steps, this.source, arranging)
    const isTaken = new Set(taken)
    const kept = trace.steps.filter((step) => !isTaken.has(step))
    const read = rootsOf([...kept.flatMap(inputsOf), ...trace.outputs.values()])
    const { made, blocks } = this.place(taken, (root) => read.has(root))
    trace.steps = kept
    return made.size > 0 ? { trace: { steps: stepsFor(made, taken), outputs: new Map() }, blocks } : null
  }

  /** Makes what steps write residents: where the same is left already, and where it is wanted, in new blocks. */
  private place(steps: readonly Step[], isWanted: (root: Value) => boolean) {
    const made = new Map<number, Value>()
    const blocks: Record<string, number> = {}
    let block = ''
    for (const [root, number] of this.numberResults(steps)) {
      const same = made.get(number)
      const known = this.places.get(number)
      if (same) root.view = { of: same, offset: 0 }
      else if (known) root.leaf = known
      else if (isWanted(root)) {
        const bytes = align(byteLengthOf(root))
        if (block === '' || blocks[block] + bytes > Math.min(this.mostBytes, mostBytesInOne)) {
          block = this.blocks === 0 ? 'prepared' : `prepared${this.blocks}`
          this.blocks++
          blocks[block] = 0
        }
        root.leaf = new Resident(block, blocks[block], root.shape, root.dtype)
        blocks[block] += bytes
        this.places.set(number, root.leaf)
        made.set(number, root)
      }
    }
    return { made: new Set(made.values()), blocks }
  }

  /** The numbers of what steps write, in their order. */
  private numberResults(steps: readonly Step[]): Map<Value, number> {
    const numbers = new Map<Value, number>()
    const numberOf = (root: Value): number => numbers.get(root) ?? this.number(this.describeLeaf(root))
    // Of a root that several steps write parts of, the number grows with each.
    const parts = new Map<Value, string>()
    for (const step of steps) {
      const made = describe(step, numberOf)
      step.outputs.forEach((output, index) => {
        const part = `${parts.get(output.root) ?? ''}${typeOf(output.root)} ${output.offset} ${index} of ${made};`
        parts.set(output.root, part)
        numbers.set(output.root, this.number(part))
      })
    }
    return numbers
  }

  private number(description: string): number {
    const number = this.numbers.get(description) ?? this.numbers.size
    this.numbers.set(description, number)
    return number
  }

  private describeLeaf({ leaf }: Value): string {
    if (leaf instanceof Resident) return `${leaf.block} ${leaf.offset} ${typeOf(leaf)}`
    if (leaf instanceof Constant) return `constant ${this.numberConstant(leaf)} ${typeOf(leaf)}`
    throw new Error('prepare: a step was taken that reads what is neither a parameter nor a constant')
  }

  /** Graphs that are built again have constants of their own with the same numbers in them. */
  private numberConstant(constant: Constant): number {
    const type = typeOf(constant)
    const known = this.constants.get(type) ?? []
    this.constants.set(type, known)
    const index = known.findIndex(({ values }) => sameValues(values, constant.values))
    return index >= 0 ? index : known.push(constant) - 1
  }
}

/** Of a block that holds several values: larger ones are hard to find room for. */
const mostBytesInOne = 2 ** 28

/**
 * What a preparation leaves may take so many times the memory of what it is made of: a run's arena is shared, its blocks are not. The device
 * has said that arranged weights are worth what they take.
 */
const mostGrowth = 4
/** Bytes that are not worth a look. */
const littleMemory = 4096

/** The steps, in order, that read nothing but parameters, constants, and what such steps write. */
function preparableSteps(steps: readonly Step[], source: string, arranging: ReadonlySet<Step>): Step[] {
  let candidates = steps
  // One that stays takes others with it: those that read what it writes, and those that write other parts of the same value.
  for (;;) {
    const left = candidatesLeft(steps, candidates, source, arranging)
    if (left.length === candidates.length) return left
    candidates = left
  }
}

function candidatesLeft(
  steps: readonly Step[],
  candidates: readonly Step[],
  source: string,
  arranging: ReadonlySet<Step>,
): Step[] {
  const isCandidate = new Set(candidates)
  const staying = rootsOf(steps.filter((step) => !isCandidate.has(step)).flatMap(({ outputs }) => outputs))
  /** What each value is made of. */
  const leaves = new Map<Value, ReadonlySet<Value>>()
  const leavesOf = (root: Value): ReadonlySet<Value> | undefined => {
    const { leaf } = root
    if (leaf instanceof Constant || (leaf instanceof Resident && leaf.block === source)) return new Set([root])
    return leaves.get(root)
  }
  return candidates.filter((step) => {
    const read = inputsOf(step).map(({ root }) => leavesOf(root))
    const madeOf = new Set(read.flatMap((set) => [...(set ?? [])]))
    const bytes = [...madeOf].reduce((sum, leaf) => sum + byteLengthOf(leaf), 0)
    const most = arranging.has(step) ? Number.POSITIVE_INFINITY : Math.max(mostGrowth * bytes, littleMemory)
    const isLeft =
      read.every((set) => set !== undefined) &&
      step.outputs.every((output) => byteLengthOf(output) <= most && !staying.has(output.root))
    if (isLeft) for (const { root } of step.outputs) leaves.set(root, new Set([...(leaves.get(root) ?? []), ...madeOf]))
    return isLeft
  })
}

/** Those of the steps that make these values, in order. */
function stepsFor(made: ReadonlySet<Value>, steps: readonly Step[]): Step[] {
  const needed = new Set(made)
  return steps
    .toReversed()
    .filter((step) => {
      const isNeeded = step.outputs.some(({ root }) => needed.has(root))
      if (isNeeded) for (const { root } of inputsOf(step)) if (root.leaf === null) needed.add(root)
      return isNeeded
    })
    .reverse()
}

function rootsOf(values: readonly Value[]): Set<Value> {
  return new Set(values.map(({ root }) => root))
}

function typeOf({ shape, dtype }: Value | Constant | Resident): string {
  return `${dtype}[${shape}]`
}

/** What a step does, to which parts of which values. */
function describe({ kernel, inputs, attributes }: Step, numberOf: (root: Value) => number): string {
  const read = Object.entries(inputs).map(
    ([name, value]) => `${name}: ${numberOf(value.root)} at ${value.offset} ${typeOf(value)}`,
  )
  return `${kernel} ${exactJson(attributes)} (${read.join(', ')})`
}

/** A step's attributes as a text that no others have. */
export function exactJson(attributes: Attributes): string {
  // JSON has one word for all that is no finite number, and none for -0.
  return JSON.stringify(attributes, (_name, value: unknown) =>
    typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)) ? `number ${value}` : value,
  )
}

function sameValues(a: Constant['values'], b: Constant['values']): boolean {
  if (a === b || typeof a === 'number' || typeof b === 'number') return Object.is(a, b)
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false
  return true
}
