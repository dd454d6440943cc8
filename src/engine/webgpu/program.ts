import type { Place, Program } from '../device.ts'
import type { Plan } from '../plan.ts'
import type { WebGPUMemory } from './memory.ts'

/** A dispatch with everything it needs made: replaying it creates nothing. */
export interface Command {
  readonly pipeline: GPUComputePipeline
  readonly bindGroup: GPUBindGroup
  readonly groups: readonly [number, number]
}

export class WebGPUProgram implements Program {
  readonly outputs: Readonly<Record<string, Place>>
  /** The inputs space as the host fills it: one write a run. */
  readonly staging: ArrayBuffer
  private disposed = false

  constructor(
    readonly plan: Plan,
    readonly device: object,
    readonly commands: readonly Command[],
    /** What the program owns: the plan's spaces and scratch. Blocks of residents are not among them. */
    readonly spaces: ReadonlyMap<string, WebGPUMemory>,
    locate: (space: string) => WebGPUMemory,
  ) {
    this.staging = new ArrayBuffer(plan.spaces.inputs)
    this.outputs = Object.fromEntries(
      Object.entries(plan.outputs).map(([name, operand]) => [name, { memory: locate(operand.space), operand }]),
    )
  }

  get isDisposed(): boolean {
    return this.disposed
  }

  dispose(): void {
    this.disposed = true
    for (const memory of this.spaces.values()) memory.dispose()
  }
}
