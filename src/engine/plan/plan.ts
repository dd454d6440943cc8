import { ShapeError } from '../errors.ts'
import { debug } from '../platform/debug.ts'
import {
  type Attributes,
  align,
  byteLengthOf,
  Constant,
  formatShape,
  Resident,
  sizeOf,
  type TensorType,
} from '../tensor.ts'
import { fuse } from './fuse.ts'
import { type Fusion, fusedNames } from './fusions.ts'
import type { PreparedValues } from './prepare.ts'
import { schedule } from './schedule.ts'
import { type Graph, inputsOf, mapInputs, type Step, type Trace, trace, Value } from './trace.ts'

/**
 * A plan is a graph made ready for a device, as plain data: ordered steps whose operands have a place. Terms:
 * - space: one stretch of device memory. `inputs` (what every run is given, written at once), `constants`, `arena`
 *   (everything in between), `outputs` (what is read), and one for each block of residents, which outlive the plan.
 * - operand: a typed place in a space, in bytes; every operand starts at a multiple of 256, WebGPU's binding alignment.
 * - the arena is packed: values whose lifetimes (first write to last read) don't overlap may share bytes.
 */
export interface PlanOperand extends TensorType {
  readonly space: string
  readonly offset: number
}

export interface PlanStep {
  readonly kernel: string
  /** By name, in the order of the operation's `inputNames`; behind them what is fused to it (see fusions.ts). */
  readonly inputs: Readonly<Record<string, PlanOperand>>
  readonly outputs: readonly PlanOperand[]
  /** Residents changed in place. */
  readonly states: readonly PlanOperand[]
  readonly attributes: Attributes
  readonly flops: number
}

export interface Plan {
  readonly steps: readonly PlanStep[]
  readonly inputs: Readonly<Record<string, PlanOperand>>
  readonly outputs: Readonly<Record<string, PlanOperand>>
  /** Written once, when the plan is lowered. */
  readonly constants: readonly { readonly operand: PlanOperand; readonly values: number | ArrayLike<number> }[]
  /** Bytes of the spaces the plan owns; blocks of residents are not among them. */
  readonly spaces: Readonly<Record<'inputs' | 'constants' | 'arena' | 'outputs', number>>
  /** Names of the resident blocks the steps use. */
  readonly blocks: readonly string[]
  /** Of what a step reads or writes, or would if it stored what it recomputes. */
  readonly largestOperandBytes: number
  /** What the arena would take if nothing shared bytes. */
  readonly unpackedArenaBytes: number
  /** null where there is nothing to run before, or where all of it was another plan's to say. */
  readonly preparation: Preparation | null
}

/** What is run before a plan, once for each state of the parameters: see prepare.ts. */
export interface Preparation {
  readonly plan: Plan
  /** Those that it fills, with their bytes. */
  readonly blocks: Readonly<Record<string, number>>
}

/**
 * Traces, fuses and lays out a graph. `fusions` are the rewrites the device's kernels can run.
 * @param prepared for a graph that is run again and again and changes no state: what need not be computed in each run
 */
export function makePlan(graph: Graph, fusions: ReadonlySet<Fusion>, prepared: PreparedValues | null = null): Plan {
  const traced = fuse(trace(graph), fusions)
  const taken = prepared?.takeFrom(traced) ?? null
  const preparation = taken && { plan: layOut(taken.trace, null), blocks: taken.blocks }
  const plan = layOut(traced, preparation)
  debug('plan', () => describePlan(plan))
  return plan
}

function layOut(traced: Trace, preparation: Preparation | null): Plan {
  const outputs = copyBorrowedOutputs(traced)
  const outputRoots = new Set([...outputs.values()].map(({ root }) => root))
  traced.steps = schedule(traced.steps, (root) => outputRoots.has(root))
  const places = new Map<Value, { space: string; offset: number }>()
  const sizes = { inputs: 0, constants: 0, arena: 0, outputs: 0 }
  const constants: { value: Value; values: number | ArrayLike<number> }[] = []
  const inputs = new Map<string, Value>()
  const blocks = new Set<string>()

  const append = (value: Value, space: 'inputs' | 'constants' | 'outputs'): void => {
    places.set(value, { space, offset: sizes[space] })
    sizes[space] += align(byteLengthOf(value))
  }
  const placeLeaf = (value: Value): void => {
    const { root } = value
    if (places.has(root) || !root.leaf) return
    if (root.leaf instanceof Resident) {
      places.set(root, { space: root.leaf.block, offset: root.leaf.offset })
      blocks.add(root.leaf.block)
    } else if (root.leaf instanceof Constant) {
      append(root, 'constants')
      constants.push({ value: root, values: root.leaf.values })
    } else {
      if (inputs.has(root.leaf.name)) throw new ShapeError(`plan: two different inputs are named "${root.leaf.name}"`)
      inputs.set(root.leaf.name, root)
      append(root, 'inputs')
    }
  }
  for (const step of traced.steps)
    for (const value of [...inputsOf(step), ...step.outputs, ...step.states]) placeLeaf(value)
  for (const value of outputs.values()) if (!places.has(value.root)) append(value.root, 'outputs')
  const packed = packArena(traced.steps, places)
  sizes.arena = packed.bytes

  const operand = (value: Value): PlanOperand => {
    const place = places.get(value.root)
    if (!place) throw new Error('plan: a value has no place')
    return { shape: value.shape, dtype: value.dtype, space: place.space, offset: place.offset + value.offset }
  }
  const operandsByName = (values: ReadonlyMap<string, Value>) =>
    Object.fromEntries([...values].map(([name, value]) => [name, operand(value)]))
  return {
    steps: traced.steps.map((step) => ({
      ...step,
      inputs: mapInputs(step.inputs, operand),
      outputs: step.outputs.map(operand),
      states: step.states.map(operand),
    })),
    inputs: operandsByName(inputs),
    outputs: operandsByName(outputs),
    constants: constants.map(({ value, values }) => ({ operand: operand(value), values })),
    spaces: sizes,
    blocks: [...blocks],
    largestOperandBytes: Math.max(
      0,
      ...traced.steps.flatMap(({ inputs, outputs, states, attributes: { innerShape } }) => {
        const inner = Array.isArray(innerShape) ? 4 * sizeOf(innerShape) : 0
        return [inner, ...[...Object.values(inputs), ...outputs, ...states].map(byteLengthOf)]
      }),
    ),
    unpackedArenaBytes: packed.unpacked,
    preparation,
  }
}

/** An output that no step writes (an input, a constant, a resident), or that shares its place, gets a copy of its own. */
function copyBorrowedOutputs(traced: Trace): Map<string, Value> {
  const taken = new Set<Value>()
  const outputs = new Map<string, Value>()
  for (const [name, value] of traced.outputs) {
    if (value.dtype === 'u8') throw new ShapeError(`plan: output "${name}" is of stored pixels (u8); gather them first`)
    const borrowed =
      value.root.leaf !== null || taken.has(value.root) || byteLengthOf(value.root) !== byteLengthOf(value)
    const own = borrowed ? new Value(value.shape, value.dtype) : value
    if (borrowed) {
      const copy: Step = {
        kernel: 'broadcast',
        inputs: { x: value },
        outputs: [own],
        states: [],
        attributes: { shape: value.shape },
        flops: 0,
      }
      // Before the updates: outputs are what the run computed, not what it left behind.
      const firstUpdate = traced.steps.findIndex((step) => step.states.length > 0)
      traced.steps.splice(firstUpdate < 0 ? traced.steps.length : firstUpdate, 0, copy)
    }
    taken.add(own.root)
    outputs.set(name, own)
  }
  return outputs
}

/**
 * Gives every value that is still without a place bytes in the arena, largest first, each at the lowest offset where it
 * overlaps nothing that is alive at the same time (greedy by size: Pisarchyk & Lee, 2020).
 */
function packArena(
  steps: readonly Step[],
  places: Map<Value, { space: string; offset: number }>,
): { bytes: number; unpacked: number } {
  const lifetimes = new Map<Value, { first: number; last: number }>()
  steps.forEach((step, index) => {
    for (const { root } of [...inputsOf(step), ...step.outputs]) {
      if (places.has(root)) continue
      const lifetime = lifetimes.get(root)
      if (lifetime) lifetime.last = index
      else lifetimes.set(root, { first: index, last: index })
    }
  })
  const placed: { offset: number; end: number; first: number; last: number }[] = []
  let bytes = 0
  let unpacked = 0
  const bySize = [...lifetimes].sort(([a], [b]) => byteLengthOf(b) - byteLengthOf(a))
  for (const [value, { first, last }] of bySize) {
    const size = align(byteLengthOf(value))
    const alive = placed
      .filter((other) => other.first <= last && other.last >= first)
      .sort((a, b) => a.offset - b.offset)
    let offset = 0
    for (const other of alive) {
      if (offset + size <= other.offset) break
      offset = Math.max(offset, other.end)
    }
    placed.push({ offset, end: offset + size, first, last })
    places.set(value, { space: 'arena', offset })
    bytes = Math.max(bytes, offset + size)
    unpacked += size
  }
  return { bytes, unpacked }
}

/** Bytes that a step must move at least, however its kernel goes about it: every operand once, a state like the others. */
export function compulsoryBytes({ inputs, outputs, states }: PlanStep): number {
  const bytes = new Map<string, number>()
  for (const operand of [...Object.values(inputs), ...outputs, ...states])
    bytes.set(`${operand.space} ${operand.offset}`, byteLengthOf(operand))
  return [...bytes.values()].reduce((sum, own) => sum + own, 0)
}

/**
 * A plan as text: one line a step with its operands and FLOPs, and what the memory comes to; then what is run before it. For reading
 * and for snapshots.
 */
export function describePlan(plan: Plan): string {
  const lines = plan.steps.map((step) => `${describeStep(step)} (${formatFlops(step.flops)})`)
  const total = plan.steps.reduce((sum, step) => sum + step.flops, 0)
  const bytes = bytesOf(plan.spaces)
  const own = [
    ...lines,
    `${plan.steps.length} steps, ${formatFlops(total)}; bytes: ${bytes} (unpacked ${plan.unpackedArenaBytes})`,
  ]
  const { preparation } = plan
  if (!preparation) return own.join('\n')
  const before = `before, once for all runs until parameters change, into ${bytesOf(preparation.blocks)}:`
  return [...own, before, describePlan(preparation.plan)].join('\n')
}

function bytesOf(spaces: Readonly<Record<string, number>>): string {
  return Object.entries(spaces)
    .map(([name, size]) => `${name} ${size}`)
    .join(', ')
}

/** A step as text: its kernel, what is fused to it, and its operands. */
export function describeStep({ kernel, inputs, outputs, states, attributes }: PlanStep): string {
  const type = ({ shape, dtype, space }: PlanOperand) =>
    `${space === 'arena' ? '' : `${space}:`}${dtype === 'f32' ? '' : dtype}${formatShape(shape)}`
  const results = [...outputs, ...states].map(type).join(' ')
  return `${[kernel, ...fusedNames(attributes)].join('+')} ${Object.values(inputs).map(type).join(' ')} -> ${results}`
}

function formatFlops(flops: number): string {
  if (flops >= 1e9) return `${(flops / 1e9).toFixed(2)} GFLOP`
  return flops >= 1e6 ? `${(flops / 1e6).toFixed(2)} MFLOP` : `${flops} FLOP`
}
