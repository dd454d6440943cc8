import { checkInputs, type HostArray } from '../device.ts'
import type { Plan } from '../plan/plan.ts'
import { sizeOf } from '../tensor.ts'
import { decode, encode, type WebGPUMemory } from './memory.ts'

/** Spaces that every run of a submit has for itself: what it is given, and what it gives. */
const spacesOfARun = ['inputs', 'outputs'] as const
type SpaceOfARun = (typeof spacesOfARun)[number]

export function isOfARun(space: string): space is SpaceOfARun {
  return spacesOfARun.some((name) => name === space)
}

/**
 * What so many runs of a program in one submit have for themselves: their parts of the inputs and outputs spaces, one behind
 * the other, and the bind groups that touch them.
 */
export class Runs {
  /** The inputs of all runs as the host fills them: one write a submit. */
  private readonly staging: ArrayBuffer

  constructor(
    private readonly plan: Plan,
    readonly memories: Readonly<Record<SpaceOfARun, WebGPUMemory>>,
    /** bindGroups[run][command] */
    readonly bindGroups: readonly (readonly GPUBindGroup[])[],
  ) {
    this.staging = new ArrayBuffer(this.count * plan.spaces.inputs)
  }

  get count(): number {
    return this.bindGroups.length
  }

  /** @throws DeviceError for inputs that the plan does not take */
  encodeInputs(run: number, inputs: Readonly<Record<string, HostArray>>): void {
    checkInputs(this.plan, inputs)
    for (const [name, { dtype, offset }] of Object.entries(this.plan.inputs))
      encode(dtype, inputs[name], this.staging, run * this.plan.spaces.inputs + offset)
  }

  /** The encoded inputs of the first `count` runs. */
  inputsOf(count: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.staging, 0, count * this.plan.spaces.inputs)
  }

  dispose(): void {
    for (const memory of Object.values(this.memories)) memory.dispose()
  }
}

/** The outputs of each of `count` runs, out of the bytes of their outputs spaces. */
export function decodeOutputs(plan: Plan, bytes: ArrayBuffer, count: number): Readonly<Record<string, HostArray>>[] {
  return Array.from({ length: count }, (_, run) =>
    Object.fromEntries(
      Object.entries(plan.outputs).map(([name, { dtype, shape, offset }]) => [
        name,
        decode(dtype, bytes, run * plan.spaces.outputs + offset, sizeOf(shape)),
      ]),
    ),
  )
}
