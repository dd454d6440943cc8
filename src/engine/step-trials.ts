import type { Measurement, MeasurementOptions, Memory, Program } from './device.ts'
import { compulsoryBytes, type Plan, type PlanOperand, type PlanStep } from './plan/plan.ts'
import { mapInputs } from './plan/trace.ts'
import { align, byteLengthOf, type DType, sizeOf } from './tensor.ts'

/**
 * How tuning and profiling measure, on any device. A step is run alone, with its own shapes, again and again (on WebGPU in one
 * submit), so that neither the coarse clocks of browsers nor the cost of a submit matter.
 */

/** A step under its name, and the name of the candidate to run it by; empty where its kernel has none. */
export interface Trial {
  readonly step: PlanStep
  readonly name: string
  readonly candidate: string
}

/** What measuring needs of a device. */
export interface Bench<OwnMemory extends Memory, OwnProgram extends Program> {
  allocate(dtype: DType, elements: number): OwnMemory
  /** `offset` in bytes. */
  write(memory: OwnMemory, data: Float32Array, offset?: number): void
  lower(plan: Plan, blocks: Readonly<Record<string, OwnMemory>>, candidate: string): Promise<OwnProgram>
  arenaOf(program: OwnProgram): OwnMemory
  /** Milliseconds that so many runs take, one behind the other. */
  time(program: OwnProgram, times: number): Promise<number>
  /** @throws DeviceError when the device is lost: then no candidate is to blame */
  assertUsable(): void
}

export async function measureTrials<OwnMemory extends Memory, OwnProgram extends Program>(
  bench: Bench<OwnMemory, OwnProgram>,
  trials: readonly Trial[],
  { signal, onProgress }: MeasurementOptions,
): Promise<Measurement[]> {
  const results: Measurement[] = []
  for (const trial of trials) {
    signal?.throwIfAborted()
    onProgress?.(results.length, trials.length, `${trial.name} ${trial.candidate}`.trimEnd())
    results.push(await measureTrial(bench, trial))
  }
  onProgress?.(trials.length, trials.length, '')
  return results
}

/** What a run of one step takes, its result discarded. A kernel that is refused is never the fastest. */
async function measureTrial<OwnMemory extends Memory, OwnProgram extends Program>(
  bench: Bench<OwnMemory, OwnProgram>,
  { step, name: stepName, candidate }: Trial,
): Promise<Measurement> {
  const { plan, blocks } = planOfStep(step)
  const about = { step: stepName, candidate, flops: step.flops, bytes: compulsoryBytes(step) }
  const memories: Record<string, OwnMemory> = {}
  let program: OwnProgram | null = null
  try {
    for (const [name, { dtype, elements }] of Object.entries(blocks)) memories[name] = bench.allocate(dtype, elements)
    const started = performance.now()
    const lowered = await bench.lower(plan, memories, candidate)
    program = lowered
    for (const memory of [...Object.values(memories), bench.arenaOf(lowered)])
      if (memory.dtype === 'f32') bench.write(memory, noise(memory.byteLength / 4))
    // Noise as whole numbers would be rows far outside of what a step reads, or writes to.
    for (const operand of plan.steps.flatMap(({ inputs }) => Object.values(inputs)))
      if (operand.space === 'arena' && operand.dtype === 'i32')
        bench.write(bench.arenaOf(lowered), new Float32Array(sizeOf(operand.shape)), operand.offset)
    await bench.time(lowered, 1)
    const compilation = performance.now() - started
    const milliseconds = await steadyTime((times) => bench.time(lowered, times))
    return { ...about, milliseconds, compilation }
  } catch (error) {
    bench.assertUsable()
    const refused = error instanceof Error ? error.message : String(error)
    return { ...about, milliseconds: Number.POSITIVE_INFINITY, compilation: 0, refused }
  } finally {
    program?.dispose()
    for (const memory of Object.values(memories)) memory.dispose()
  }
}

/** A plan of one step. Its operands keep apart what lies apart in the plan it comes from: buffers decide what can be bound how. */
function planOfStep(step: PlanStep): {
  plan: Plan
  blocks: Record<string, { dtype: DType; elements: number }>
} {
  const sizes = new Map<string, number>()
  const dtypes = new Map<string, DType>()
  const place = (operand: PlanOperand): PlanOperand => {
    // A block has one type: what is read as another one gets a block of its own.
    const space = operand.space === 'arena' ? 'arena' : `${operand.space} ${operand.dtype}`
    const offset = sizes.get(space) ?? 0
    sizes.set(space, offset + align(byteLengthOf(operand)))
    dtypes.set(space, operand.dtype)
    return { ...operand, space, offset }
  }
  const steps = [
    {
      ...step,
      inputs: mapInputs(step.inputs, place),
      outputs: step.outputs.map(place),
      states: step.states.map(place),
    },
  ]
  const blocks = [...sizes].filter(([space]) => space !== 'arena')
  return {
    plan: {
      steps,
      inputs: {},
      outputs: {},
      constants: [],
      spaces: { inputs: 0, constants: 0, arena: sizes.get('arena') ?? 0, outputs: 0 },
      blocks: blocks.map(([space]) => space),
      largestOperandBytes: 0,
      unpackedArenaBytes: 0,
      preparation: null,
    },
    blocks: Object.fromEntries(
      blocks.map(([space, bytes]) => {
        const dtype = dtypes.get(space) ?? 'f32'
        return [space, { dtype, elements: dtype === 'u8' ? bytes : bytes / 4 }]
      }),
    ),
  }
}

/**
 * Numbers like any: zeros would be multiplied as fast, but their sums can turn denormal, which is slow on processors. None is
 * negative: an optimizer takes roots of its moments.
 */
function noise(length: number): Float32Array {
  const values = new Float32Array(length)
  let state = 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    values[i] = state / 2 ** 32
  }
  return values
}

const steadyMs = 30
const maxRepetitions = 2000
const maxGrowth = 10
const rounds = 3

/** Milliseconds a run takes: the fastest of a few rounds, each long enough to be timed. */
async function steadyTime(run: (times: number) => Promise<number>): Promise<number> {
  let times = 1
  let ms = await run(times)
  // By steps: of the first runs, most of the time is the submit's.
  while (ms < steadyMs && times < maxRepetitions) {
    const growth = Math.min(maxGrowth, (1.2 * steadyMs) / ms)
    times = Math.min(maxRepetitions, Math.ceil(times * growth))
    ms = await run(times)
  }
  const measured = [ms / times]
  while (measured.length < rounds) measured.push((await run(times)) / times)
  return Math.min(...measured)
}
