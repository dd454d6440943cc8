import { DeviceError } from '../errors.ts'
import { isNode, nodeModule } from '../platform/node-module.ts'
import { Crew, defaultPatienceMs, runPhase, type ThreadProgram } from './crew.ts'

const mostThreadsUnasked = 16

/** The processor's threads, as far as they are of use. */
export function availableThreads(): number {
  const count = isNode ? nodeModule('node:os').availableParallelism() : navigator.hardwareConcurrency
  return Math.max(1, Math.min(mostThreadsUnasked, count || 1))
}

/**
 * Whether threads can share memory: in browsers only on pages that are cross-origin isolated, and not in all of them.
 * WebKitGTK isolates pages and has no SharedArrayBuffer, so what is asked for is tried.
 */
export function canShareMemory(): boolean {
  if (!isNode && typeof Worker === 'undefined') return false
  try {
    structuredClone(new SharedArrayBuffer(4))
    return true
  } catch {
    return false
  }
}

/** All phases on the calling thread. */
export function runAlone({ phases, scratchOf }: ThreadProgram): void {
  for (const phase of phases) runPhase(phase, scratchOf(0))
}

/**
 * The threads of one device, the calling one among them. They are started with the first program, or by start(), and again
 * only after one has died.
 */
export class Threads {
  private readonly programs = new Map<number, ThreadProgram>()
  private nextId = 0
  private crew: Promise<Crew> | null = null
  private current: Crew | null = null
  private isDisposed = false
  private size: number

  constructor(
    private readonly memory: WebAssembly.Memory,
    count: number,
    private readonly patienceMs = defaultPatienceMs,
  ) {
    this.size = count
  }

  /** The calling thread and those that were started, or will be. */
  get count(): number {
    return this.size
  }

  /** Starts them, without waiting for it, unless they are. */
  start(): void {
    if (!this.isDisposed) this.crew ??= this.startCrew()
  }

  /** Makes a program known to all threads. @throws DeviceError when one dies over it */
  async load(program: ThreadProgram): Promise<number> {
    const id = this.nextId++
    const crew = await this.living()
    // Known from here on: a crew that is started later loads it, too.
    this.programs.set(id, program)
    try {
      await crew.load(id, program)
    } catch (error) {
      this.programs.delete(id)
      throw error
    }
    return id
  }

  drop(id: number): void {
    this.programs.delete(id)
    this.current?.drop(id)
  }

  /** Runs a program. Returns a promise only if it has to wait. @throws DeviceError when a thread dies meanwhile */
  replay(id: number): Promise<void> | null {
    const program = this.programs.get(id)
    if (!program) throw new DeviceError('cpu: this program was disposed of')
    if (this.current && this.current.failure === null) return this.current.replay(id, program)
    return this.living().then((crew) => crew.replay(id, program) ?? undefined)
  }

  dispose(): void {
    this.isDisposed = true
    this.programs.clear()
    this.current?.dismiss()
    this.crew?.then((crew) => crew.dismiss())
  }

  /** The crew, or another in place of one that has failed. */
  private async living(): Promise<Crew> {
    this.start()
    if (!this.crew) throw new DeviceError('cpu: the device was disposed of')
    const crew = await this.crew
    if (crew.failure === null || this.isDisposed) return crew
    // Several calls may come here at once: the first one starts the new crew.
    if (this.current === crew) {
      this.current = null
      this.crew = crew.ended.then(() => this.startCrew())
    }
    return this.crew
  }

  private async startCrew(): Promise<Crew> {
    const crew = new Crew(this.memory, this.patienceMs)
    await crew.start(this.size - 1)
    // Where none can be started, as under a policy that forbids them, the calling one works alone.
    this.size = crew.size + 1
    // Should one die over it, the crew's next use says so.
    for (const [id, program] of [...this.programs]) {
      await crew.load(id, program).catch(() => {})
      if (!this.programs.has(id)) crew.drop(id)
    }
    this.current = crew
    if (this.isDisposed) crew.dismiss()
    return crew
  }
}
