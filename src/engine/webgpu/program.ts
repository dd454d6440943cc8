import type { Place, Program } from '../device.ts'
import { DeviceError } from '../errors.ts'
import type { Plan } from '../plan.ts'
import { sizeOf } from '../tensor.ts'
import { type BindingKind, boundBytes, type Dispatch } from './dispatch.ts'
import type { WebGPUMemory } from './memory.ts'

/** A dispatch with everything it needs made. */
export interface Command {
  readonly dispatch: Dispatch
  readonly kinds: readonly BindingKind[]
  readonly pipeline: GPUComputePipeline
  readonly layout: GPUBindGroupLayout
  readonly groups: readonly [number, number, number]
}

/** Spaces that every run of a submit has for itself: what it is given, and what it gives. */
const spacesOfARun: ReadonlySet<string> = new Set(['inputs', 'outputs'])

/**
 * A lowered plan: its memory, and the list of commands that a run replays. Several runs may go into one submit; each then
 * has its own part of the inputs and outputs spaces, one behind the other, and bind groups for what touches them.
 */
export class WebGPUProgram implements Program {
  /** bindGroups[run][command]; made when a run of that number is first asked for. */
  readonly bindGroups: (readonly GPUBindGroup[])[] = []
  /** The inputs spaces of all runs as the host fills them: one write a submit. */
  staging: ArrayBuffer
  private disposed = false

  constructor(
    readonly plan: Plan,
    readonly device: object,
    readonly commands: readonly Command[],
    /** What the program owns: the plan's spaces and scratch. Blocks of residents are not among them. */
    readonly spaces: Map<string, WebGPUMemory>,
    private readonly blocks: ReadonlyMap<string, WebGPUMemory>,
  ) {
    this.staging = new ArrayBuffer(plan.spaces.inputs)
  }

  /** Places of the first run's outputs: until more runs at once are asked for than before, then ask again. */
  get outputs(): Readonly<Record<string, Place>> {
    return Object.fromEntries(
      Object.entries(this.plan.outputs).map(([name, operand]) => [
        name,
        { memory: this.locate(operand.space), operand },
      ]),
    )
  }

  get isDisposed(): boolean {
    return this.disposed
  }

  locate(space: string): WebGPUMemory {
    const memory = this.blocks.get(space) ?? this.spaces.get(space)
    if (memory) return memory
    throw new DeviceError(`webgpu: the plan has no space named "${space}"`)
  }

  /** The bind groups of one more run. @returns how many were made */
  addRun(gpu: GPUDevice): number {
    const run = this.bindGroups.length
    let made = 0
    const groups = this.commands.map(({ dispatch: { kernel, bindings }, layout }, index) => {
      const isShared = run > 0 && bindings.every(({ operand }) => !spacesOfARun.has(operand.space))
      if (isShared) return this.bindGroups[0][index]
      made++
      return gpu.createBindGroup({
        label: kernel,
        layout,
        entries: bindings.map(({ operand }, binding) => ({
          binding,
          resource: {
            buffer: this.locate(operand.space).buffer,
            // An empty operand may start where its space ends.
            offset: sizeOf(operand.shape) === 0 ? 0 : operand.offset + run * this.strideOf(operand.space),
            size: boundBytes(operand),
          },
        })),
      })
    })
    this.bindGroups.push(groups)
    return made
  }

  /** Bytes from one run's part of a space to the next run's. */
  strideOf(space: string): number {
    return spacesOfARun.has(space) ? this.plan.spaces[space as 'inputs' | 'outputs'] : 0
  }

  dispose(): void {
    this.disposed = true
    for (const memory of this.spaces.values()) memory.dispose()
  }
}
