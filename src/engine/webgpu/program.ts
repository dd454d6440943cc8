import type { Place, Program } from '../device.ts'
import { DeviceError } from '../errors.ts'
import type { Plan } from '../plan/plan.ts'
import { sizeOf } from '../tensor.ts'
import type { Buffers } from './buffers.ts'
import type { Counters } from './counters.ts'
import { type AdapterTraits, type BindingKind, boundBytes, type Dispatch } from './dispatch.ts'
import type { WebGPUMemory } from './memory.ts'
import type { Pipelines } from './pipelines.ts'
import { isOfARun, Runs } from './runs.ts'

/** What a program needs of the device it belongs to, while it is made and when it grows. */
export interface ProgramOwner {
  readonly gpu: GPUDevice
  readonly traits: AdapterTraits
  readonly buffers: Buffers
  readonly pipelines: Pipelines
  readonly counters: Counters
  /** @throws DeviceError when the device was lost or disposed */
  assertUsable(): void
}

/** A dispatch with everything it needs made. */
export interface Command {
  readonly dispatch: Dispatch
  readonly kinds: readonly BindingKind[]
  readonly pipeline: GPUComputePipeline
  readonly layout: GPUBindGroupLayout
  readonly groups: readonly [number, number, number]
}

/**
 * A lowered plan: its memory, and the list of commands that a run replays. Several runs may go into one submit; what each
 * has for itself is made when so many are first asked for.
 */
export class WebGPUProgram implements Program {
  private ready: Runs
  private disposed = false

  constructor(
    readonly plan: Plan,
    readonly device: ProgramOwner,
    readonly commands: readonly Command[],
    /** What the program owns beside its runs' parts: constants, arena and scratch. */
    private readonly spaces: ReadonlyMap<string, WebGPUMemory>,
    private readonly blocks: ReadonlyMap<string, WebGPUMemory>,
  ) {
    this.ready = this.makeRuns(1)
  }

  /** What so many runs at once may use: see adopt(). */
  get runs(): Runs {
    return this.ready
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

  locate(space: string, memories = this.ready.memories): WebGPUMemory {
    const memory = isOfARun(space) ? memories[space] : (this.blocks.get(space) ?? this.spaces.get(space))
    if (memory) return memory
    throw new DeviceError(`webgpu: the plan has no space named "${space}"`)
  }

  /**
   * What so many runs need for themselves, beside what the program has: WebGPU may yet refuse it, which the caller's error
   * scope tells. Then dispose of it, and all is as before; else adopt() it.
   */
  makeRuns(count: number): Runs {
    const { buffers } = this.device
    const { inputs, outputs } = this.plan.spaces
    const memories = {
      inputs: buffers.createMemory('f32', count * inputs, 'inputs'),
      outputs: buffers.createMemory('f32', count * outputs, 'outputs'),
    }
    const bindGroups: (readonly GPUBindGroup[])[] = []
    for (let run = 0; run < count; run++)
      bindGroups.push(
        this.commands.map((command, index) => {
          const isShared = command.dispatch.bindings.every(({ operand }) => !isOfARun(operand.space))
          return run > 0 && isShared ? bindGroups[0][index] : this.makeBindGroup(command, run, memories)
        }),
      )
    return new Runs(this.plan, memories, bindGroups)
  }

  /** Takes the place of what there was for fewer runs. */
  adopt(runs: Runs): void {
    if (runs === this.ready) return
    const isWanted = !this.disposed && runs.count > this.ready.count
    const [kept, dropped] = isWanted ? [runs, this.ready] : [this.ready, runs]
    this.ready = kept
    dropped.dispose()
  }

  dispose(): void {
    this.disposed = true
    this.ready.dispose()
    for (const memory of this.spaces.values()) memory.dispose()
  }

  private makeBindGroup(
    { dispatch: { kernel, bindings }, layout }: Command,
    run: number,
    memories: Runs['memories'],
  ): GPUBindGroup {
    this.device.counters.bindGroups++
    return this.device.gpu.createBindGroup({
      label: kernel,
      layout,
      entries: bindings.map(({ operand }, binding) => ({
        binding,
        resource: {
          buffer: this.locate(operand.space, memories).buffer,
          // An empty operand may start where its space ends.
          offset: sizeOf(operand.shape) === 0 ? 0 : operand.offset + run * this.strideOf(operand.space),
          size: boundBytes(operand),
        },
      })),
    })
  }

  /** Bytes from one run's part of a space to the next run's. */
  private strideOf(space: string): number {
    return isOfARun(space) ? this.plan.spaces[space] : 0
  }
}
