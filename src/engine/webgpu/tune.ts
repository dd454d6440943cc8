import type { Measurement } from '../device.ts'
import type { Plan, PlanOperand, PlanStep } from '../plan.ts'
import { align, byteLengthOf, type DType } from '../tensor.ts'
import type { AdapterTraits, Candidate } from './dispatch.ts'
import { candidatesOf, stepName } from './lowering.ts'
import type { WebGPUMemory } from './memory.ts'
import type { WebGPUProgram } from './program.ts'

/**
 * What tuning measures, and how. A step that there are several candidates for is run alone, with its own shapes, again and
 * again in one submit, so that neither the coarse clocks of browsers nor the cost of a submit matter.
 */

/** All candidates of all different steps. */
export function tuningWork(
  plans: readonly Plan[],
  adapter: AdapterTraits,
): { readonly step: PlanStep; readonly candidate: Candidate }[] {
  const steps = new Map(plans.flatMap(({ steps }) => steps).map((step) => [stepName(step), step]))
  return [...steps.values()].flatMap((step) => {
    const candidates = candidatesOf(step, adapter)
    return candidates.length > 1 ? candidates.map((candidate) => ({ step, candidate })) : []
  })
}

/** The best of each step, if any ran at all. */
export function fastest(measurements: readonly Measurement[]): Measurement[] {
  const best = new Map<string, Measurement>()
  for (const measurement of measurements) {
    const known = best.get(measurement.step)
    if (Number.isFinite(measurement.milliseconds) && !(known && known.milliseconds <= measurement.milliseconds))
      best.set(measurement.step, measurement)
  }
  return [...best.values()]
}

/** What measuring needs of a device. */
export interface Bench {
  allocate(dtype: DType, elements: number): WebGPUMemory
  write(memory: WebGPUMemory, data: Float32Array): void
  lower(plan: Plan, blocks: Readonly<Record<string, WebGPUMemory>>, candidate: string): Promise<WebGPUProgram>
  /** Milliseconds that so many runs in one submit take. */
  time(program: WebGPUProgram, times: number): Promise<number>
  /** @throws DeviceError when the device is lost: then no candidate is to blame */
  assertUsable(): void
}

/** What a run of one step takes, its result discarded. A kernel that is refused is never the fastest. */
export async function measureStep(bench: Bench, step: PlanStep, candidate: string): Promise<Measurement> {
  const { plan, blocks } = planOfStep(step)
  const names = { step: stepName(step), candidate }
  const memories: Record<string, WebGPUMemory> = {}
  let program: WebGPUProgram | null = null
  try {
    for (const [name, { dtype, elements }] of Object.entries(blocks)) memories[name] = bench.allocate(dtype, elements)
    const started = performance.now()
    const lowered = await bench.lower(plan, memories, candidate)
    program = lowered
    for (const memory of [...Object.values(memories), lowered.locate('arena')])
      if (memory.dtype === 'f32') bench.write(memory, noise(memory.byteLength / 4))
    await bench.time(lowered, 1)
    const compilation = performance.now() - started
    const milliseconds = await steadyTime((times) => bench.time(lowered, times))
    return { ...names, milliseconds, compilation, flops: step.flops }
  } catch (error) {
    bench.assertUsable()
    const refused = error instanceof Error ? error.message : String(error)
    return { ...names, milliseconds: Number.POSITIVE_INFINITY, compilation: 0, flops: step.flops, refused }
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
      inputs: step.inputs.map(place),
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
    },
    blocks: Object.fromEntries(
      blocks.map(([space, bytes]) => {
        const dtype = dtypes.get(space) ?? 'f32'
        return [space, { dtype, elements: dtype === 'u8' ? bytes : bytes / 4 }]
      }),
    ),
  }
}

/** Numbers like any: zeros would be multiplied as fast, but their sums can turn denormal, which is slow on processors. */
function noise(length: number): Float32Array {
  const values = new Float32Array(length)
  let state = 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    values[i] = state / 2 ** 32 - 0.5
  }
  return values
}

const steadyMs = 30
const maxRepetitions = 50
const rounds = 3

/** Milliseconds a run takes: the fastest of a few rounds, each long enough to be timed. */
async function steadyTime(run: (times: number) => Promise<number>): Promise<number> {
  const first = await run(1)
  const times = Math.max(1, Math.min(maxRepetitions, Math.ceil(steadyMs / Math.max(first, 0.01))))
  const measured: number[] = []
  for (let round = 0; round < rounds; round++) measured.push((await run(times)) / times)
  return Math.min(...measured)
}
