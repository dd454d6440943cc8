import type { Device, Memory, Program } from '../device.ts'
import type { Plan } from '../plan/plan.ts'

/** Kept for the next time, and what they may hold together beside the arena that all share, in bytes. */
const mostKept = 16
const mostKeptBytes = 2 ** 28
/** One that holds more is a photograph's, whose sizes hardly ever come again: what follows takes its place. */
const mostBytesOfOne = 2 ** 25

/** Numbers that all runs of some work read, by the blocks of residents that hold them. */
export type Tables = Readonly<Record<string, Float32Array>>

/** Whether a plan's program is not kept in any case. */
export function isForOnce({ spaces: { arena: _shared, ...own } }: Plan): boolean {
  return Object.values(own).reduce((sum, bytes) => sum + bytes, 0) > mostBytesOfOne
}

interface Kept {
  readonly program: Promise<Program>
  readonly bytes: number
  readonly memories: Readonly<Record<string, Memory>>
  /** What the memories hold. */
  written: Tables | null
  users: number
  isFree: boolean
}

/** Programs of sizes that may not come again: those that were used longest ago make room, once nobody uses them. */
export class OccasionalPrograms {
  /** The one used longest ago first. */
  private readonly known = new Map<string, Kept>()
  private isDisposed = false

  constructor(
    private readonly device: Device,
    private readonly lower: (plan: Plan, blocks: Readonly<Record<string, Memory>>) => Promise<Program>,
    /** Told of keys whose programs are gone. */
    private readonly onGone: (key: string) => void,
  ) {}

  /**
   * Does work with a program, which stays as it is meanwhile. Before each run, and with nothing in between, the work calls
   * `writeTables`: others may have used the program with tables of theirs.
   * @param key names the plan
   * @param tables of the plan's blocks; they are not changed as long as the work goes on
   */
  async use<T>(
    key: string,
    plan: Plan,
    tables: Tables,
    work: (program: Program, writeTables: () => void) => Promise<T>,
  ): Promise<T> {
    const kept = this.known.get(key) ?? this.make(plan, tables)
    this.known.delete(key)
    this.known.set(key, kept)
    kept.users++
    try {
      return await work(await kept.program, () => this.write(kept, tables))
    } catch (error) {
      // A plan that was refused (out of memory, say) may be tried again.
      await kept.program.catch(() => this.forget(key, kept))
      throw error
    } finally {
      kept.users--
      if (this.isDisposed) this.free(kept)
      else this.makeRoom()
    }
  }

  dispose(): void {
    this.isDisposed = true
    for (const kept of this.known.values()) this.free(kept)
    this.known.clear()
  }

  private make(plan: Plan, tables: Tables): Kept {
    const memories: Record<string, Memory> = {}
    try {
      for (const [block, values] of Object.entries(tables)) memories[block] = this.device.allocate('f32', values.length)
    } catch (error) {
      for (const memory of Object.values(memories)) memory.dispose()
      throw error
    }
    const { arena: _shared, ...own } = plan.spaces
    const bytes = [...Object.values(own), ...Object.values(memories).map(({ byteLength }) => byteLength)]
    return {
      program: this.lower(plan, memories),
      bytes: bytes.reduce((sum, part) => sum + part, 0),
      memories,
      written: null,
      users: 0,
      isFree: false,
    }
  }

  private write(kept: Kept, tables: Tables): void {
    if (kept.written === tables) return
    for (const [block, memory] of Object.entries(kept.memories)) this.device.write(memory, tables[block])
    kept.written = tables
  }

  private makeRoom(): void {
    let count = this.known.size
    let bytes = [...this.known.values()].reduce((sum, kept) => sum + kept.bytes, 0)
    for (const [key, kept] of [...this.known]) {
      const isTooMuch = kept.bytes > mostBytesOfOne || count > mostKept || bytes > mostKeptBytes
      if (kept.users > 0 || !isTooMuch) continue
      count--
      bytes -= kept.bytes
      this.forget(key, kept)
    }
  }

  private forget(key: string, kept: Kept): void {
    if (this.known.get(key) === kept) {
      this.known.delete(key)
      this.onGone(key)
    }
    this.free(kept)
  }

  private free(kept: Kept): void {
    if (kept.isFree) return
    kept.isFree = true
    kept.program.then(
      (lowered) => lowered.dispose(),
      () => {},
    )
    for (const memory of Object.values(kept.memories)) memory.dispose()
  }
}
