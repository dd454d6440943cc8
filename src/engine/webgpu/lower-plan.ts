import { DeviceError } from '../errors.ts'
import type { Plan } from '../plan/plan.ts'
import { alignment, byteLengthOf, formatShape, sizeOf } from '../tensor.ts'
import { bindingKinds, separate } from './bindings.ts'
import type { Buffers } from './buffers.ts'
import { boundBytes, type Dispatch, gridOf, sourceOf } from './dispatch.ts'
import { scoped } from './error-scopes.ts'
import { contextOf, lowerStep } from './lowering.ts'
import { encode, type WebGPUMemory } from './memory.ts'
import type { Pipelines } from './pipelines.ts'
import { type Command, type ProgramOwner, WebGPUProgram } from './program.ts'

/**
 * How a plan becomes a program: its steps become dispatches, the dispatches compiled pipelines, its spaces buffers, and all
 * of it the commands that a run replays. Nothing is left behind where WebGPU refuses any of it.
 */

/**
 * @param blocks the memory of the plan's residents
 * @param choiceFor the name of the candidate to take for a step, where one is known
 * @throws DeviceError when a kernel or memory is refused
 */
export async function lowerPlan(
  owner: ProgramOwner,
  plan: Plan,
  blocks: ReadonlyMap<string, WebGPUMemory>,
  choiceFor: (step: string) => string | undefined,
): Promise<WebGPUProgram> {
  const { gpu } = owner
  checkSizes(plan, gpu.limits)
  const missing = plan.blocks.find((name) => !blocks.has(name))
  if (missing !== undefined) throw new DeviceError(`webgpu: the plan uses the block "${missing}", which was not given`)

  // Which operands share a buffer is known by their spaces, unless one memory serves as two blocks.
  const bufferOf = (space: string): unknown => blocks.get(space) ?? space
  const contextFor = contextOf(owner.traits, choiceFor)
  const dispatches = plan.steps.flatMap((step) =>
    lowerStep(step, contextFor(step)).flatMap((each) => separate(each, bufferOf, contextFor)),
  )
  const spaces = new Map<string, WebGPUMemory>()
  let program: WebGPUProgram | null = null
  try {
    const { verdict } = scoped(gpu, () => createSpaces(owner.buffers, plan, scratchBytes(dispatches), spaces))
    // All at once, so that the driver compiles them in parallel; wait for each, so that none fails unheard.
    const [refused, ...outcomes] = await Promise.allSettled([
      verdict,
      ...dispatches.map((dispatch) => commandOf(owner.pipelines, dispatch, bufferOf)),
    ])
    owner.assertUsable()
    if (refused.status === 'rejected') throw refused.reason
    const commands = outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason
      return outcome.value
    })
    const made = scoped(gpu, () => new WebGPUProgram(plan, owner, commands, spaces, blocks))
    program = made.value
    await made.verdict
    owner.assertUsable()
    return program
  } catch (error) {
    program?.dispose()
    for (const memory of spaces.values()) memory.dispose()
    owner.assertUsable()
    throw error
  }
}

function checkSizes(plan: Plan, { maxBufferSize, maxStorageBufferBindingSize }: GPUSupportedLimits): void {
  for (const [space, bytes] of Object.entries(plan.spaces))
    if (bytes > maxBufferSize)
      throw new DeviceError(
        `webgpu: the plan needs ${bytes} bytes for its ${space}; this adapter's buffers end at ${maxBufferSize}. Take smaller batches.`,
      )
  for (const { kernel, inputs, outputs, states } of plan.steps)
    for (const operand of [...Object.values(inputs), ...outputs, ...states]) {
      if (boundBytes(operand) > maxStorageBufferBindingSize)
        throw new DeviceError(
          `webgpu: ${kernel}: ${formatShape(operand.shape)} is ${byteLengthOf(operand)} bytes; this adapter binds at most ${maxStorageBufferBindingSize}. Take smaller batches.`,
        )
      if (operand.offset % alignment !== 0)
        throw new DeviceError(
          `webgpu: ${kernel}: an operand starts at byte ${operand.offset} of ${operand.space}; expected a multiple of ${alignment}`,
        )
    }
}

/** One step's scratch is the next one's: the largest is enough. */
function scratchBytes(dispatches: readonly Dispatch[]): number {
  return dispatches
    .flatMap(({ bindings }) => bindings)
    .filter(({ operand }) => operand.space === 'scratch')
    .reduce((bytes, { operand }) => Math.max(bytes, operand.offset + boundBytes(operand)), 0)
}

/** The spaces that all runs share. Put into `spaces` one by one: should one throw, those before it are known. */
function createSpaces(buffers: Buffers, plan: Plan, scratch: number, spaces: Map<string, WebGPUMemory>): void {
  const { constants, arena } = plan.spaces
  for (const [name, bytes] of Object.entries({ constants, arena, scratch })) {
    const memory = buffers.createMemory('f32', bytes, name)
    spaces.set(name, memory)
    if (name === 'constants') buffers.write(memory, 0, constantsOf(plan))
  }
}

function constantsOf(plan: Plan): Uint8Array<ArrayBuffer> {
  const bytes = new ArrayBuffer(plan.spaces.constants)
  for (const { operand, values } of plan.constants) {
    const filled = typeof values === 'number' ? new Float64Array(sizeOf(operand.shape)).fill(values) : values
    encode(operand.dtype, filled, bytes, operand.offset)
  }
  return new Uint8Array(bytes)
}

async function commandOf(
  pipelines: Pipelines,
  dispatch: Dispatch,
  bufferOf: (space: string) => unknown,
): Promise<Command> {
  const kinds = bindingKinds(dispatch, bufferOf)
  const pipeline = await pipelines.pipelineFor(dispatch.kernel, kinds, sourceOf(dispatch, kinds))
  return { dispatch, kinds, pipeline, layout: pipelines.layoutFor(kinds), groups: gridOf(dispatch) }
}
