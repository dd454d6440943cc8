import type { Device, Memory, Program } from '../device.ts'
import { makePlan, type Plan, type Preparation } from '../plan/plan.ts'
import { PreparedValues } from '../plan/prepare.ts'
import type { Graph } from '../plan/trace.ts'

/** A preparation on the device. */
interface Prepared {
  readonly preparation: Preparation
  /** Of its blocks, from the first time on that a program reads them. */
  readonly memories: Map<string, Memory>
  program: Promise<Program> | null
  /** The state of the parameters that the blocks are of. */
  state: number
}

/**
 * What hangs on a network's parameters alone, on a device: computed before the first run that reads it, and again before the next
 * one after parameters have changed. Plans share what they prepare alike.
 */
export class PreparedParameters {
  private readonly values: PreparedValues
  /** By the blocks that they fill. */
  private readonly byBlock = new Map<string, Prepared>()
  /** How often parameters have changed. */
  private state = 0

  /** @param block the parameters', whose memory this is */
  constructor(
    private readonly device: Device,
    private readonly block: string,
    private readonly memory: Memory,
  ) {
    this.values = new PreparedValues(block, device.maxBlockBytes, device.arrangementOf)
  }

  /** The plan of a graph that changes no state. */
  plan(graph: Graph): Plan {
    const plan = makePlan(graph, this.device.fusions, this.values)
    const { preparation } = plan
    if (preparation) {
      const prepared: Prepared = { preparation, memories: new Map(), program: null, state: -1 }
      for (const block of Object.keys(preparation.blocks)) this.byBlock.set(block, prepared)
    }
    return plan
  }

  /**
   * The memory of all blocks of this network that a plan reads, for whoever lowers it; what fills them begins to be lowered, too.
   * @throws DeviceError where there is not enough
   */
  memoriesFor(plan: Plan): Record<string, Memory> {
    const memories: Record<string, Memory> = { [this.block]: this.memory }
    for (const prepared of this.readBy(plan)) {
      Object.assign(memories, this.memoriesOf(prepared))
      this.programOf(prepared)
    }
    return memories
  }

  /** Parameters change from here on: by what was written or queued last. */
  outdate(): void {
    this.state++
  }

  /**
   * Whether all that a plan reads is of the parameters as they are. Who runs it then must wait for nothing between: a run that is queued
   * sees what was written before, and not what is written later.
   */
  isReady(plan: Plan): boolean {
    return this.readBy(plan).every(({ state }) => state === this.state)
  }

  /** Runs what a plan's preparations have to do. Parameters may have changed again by its end: ask isReady(). */
  async prepare(plan: Plan): Promise<void> {
    for (const prepared of this.readBy(plan)) {
      const own = prepared.preparation.plan
      const program = await this.programOf(prepared)
      while (!this.isReady(own)) await this.prepare(own)
      const { state } = this
      if (prepared.state === state) continue
      await this.device.run(program, {})
      prepared.state = state
    }
  }

  dispose(): void {
    for (const { program, memories } of this.byBlock.values()) {
      for (const memory of memories.values()) memory.dispose()
      program?.then(
        (lowered) => lowered.dispose(),
        () => {},
      )
    }
  }

  /** The preparations that make what a plan reads: not what it makes itself. */
  private readBy(plan: Plan): Prepared[] {
    const prepared = new Set(plan.blocks.flatMap((block) => this.byBlock.get(block) ?? []))
    return [...prepared].filter(({ preparation }) => preparation.plan !== plan)
  }

  private memoriesOf({ preparation, memories }: Prepared): Record<string, Memory> {
    for (const [block, bytes] of Object.entries(preparation.blocks))
      if (!memories.has(block)) memories.set(block, this.device.allocate('f32', bytes / 4))
    return Object.fromEntries(memories)
  }

  private programOf(prepared: Prepared): Promise<Program> {
    if (prepared.program) return prepared.program
    const { plan } = prepared.preparation
    const program = this.device.lower(plan, { ...this.memoriesFor(plan), ...this.memoriesOf(prepared) })
    prepared.program = program
    // One that was refused (out of memory, say) may be tried again.
    program.catch(() => {
      prepared.program = null
    })
    return program
  }
}
