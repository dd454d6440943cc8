import { DeviceError } from '../errors.ts'
import { yieldToEvents } from '../platform/yield.ts'
import { startThread, type Thread } from './start-thread.ts'
import { type PhaseFunction, type Section, type ThreadReply, takeChunks } from './thread.ts'

/**
 * One generation of threads, led by the calling one through the sections of a replay (thread.ts tells how they share it).
 * It notices when one is gone; from then on it is of no use, and threads.ts starts another.
 */

/** How long a thread may take to start before it is done without: a page's policy may forbid it in silence. */
const startMs = 10_000
/** How long nothing may be heard of a chunk before its thread is taken for dead: a chunk takes milliseconds. */
export const defaultPatienceMs = 20_000
/** What counts of a moment at most: while a laptop sleeps, or a page is frozen, its threads are, too. */
const longestMomentMs = 200
/** The caller sleeps this long at most, then looks whether a thread has died: that is told in the event loop only. */
const sleepMs = 100
/** Loads before it sleeps. */
const spins = 2000

/** A window must not sleep, its workers and Node may. */
const canSleep = (() => {
  try {
    return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0) === 'not-equal'
  } catch {
    return false
  }
})()

/** A phase ready to run on the calling thread; `section`: how it is shared, if it is. */
export interface RunnablePhase {
  readonly units: number
  readonly run: PhaseFunction
  readonly section: Section | null
}

export interface ThreadProgram {
  readonly module: WebAssembly.Module
  readonly phases: readonly RunnablePhase[]
  /** Address of the scratch memory of a thread; the calling one is number 0. */
  readonly scratchOf: (thread: number) => number
}

/** Small calls: between two of them the engine may replace slow code by optimised code. */
const unitsPerCall = 4

export function runPhase({ units, run }: RunnablePhase, scratch: number): void {
  for (let first = 0; first < units; first += unitsPerCall) run(first, Math.min(first + unitsPerCall, units), scratch)
}

/** A worker and what is known of it. */
interface Member {
  readonly thread: Thread
  isStarted: boolean
  isGone: boolean
  readonly loaded: Set<number>
}

/** One generation of threads, with words of its own: what is left of an older one can't take this one's chunks. */
export class Crew {
  /** Why it is of no use any more. */
  failure: string | null = null
  /** Resolves when no thread of a crew that failed, or was dismissed, computes any more. */
  ended: Promise<unknown> = Promise.resolve()
  private isDismissed = false
  private members: Member[] = []
  private readonly words = new Int32Array(new SharedArrayBuffer(16))
  private turn = 0
  private readonly listeners = new Set<() => void>()

  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly patienceMs: number,
  ) {}

  get size(): number {
    return this.members.length
  }

  /** Starts threads; those that can't be started are done without. */
  async start(count: number): Promise<void> {
    try {
      for (let i = 0; i < count; i++) {
        const member: Member = {
          thread: startThread(
            (reply) => this.hear(member, reply),
            (why) => this.lose(member, why),
          ),
          isStarted: false,
          isGone: false,
          loaded: new Set(),
        }
        this.members.push(member)
      }
    } catch {
      // A browser may refuse at once, or by an event.
    }
    const deadline = setTimeout(async () => {
      // If it was this thread that was busy, what the others have said is still to be heard.
      await yieldToEvents()
      await yieldToEvents()
      for (const member of this.members) if (!member.isStarted) this.lose(member, 'it did not start in time')
    }, startMs)
    await this.until(() => this.members.every(({ isStarted, isGone }) => isStarted || isGone))
    clearTimeout(deadline)
    for (const { thread, isGone } of this.members) if (isGone) void thread.end()
    this.members = this.members.filter(({ isGone }) => !isGone)
  }

  /** Gives a program to every thread. @throws DeviceError when a thread dies or refuses it */
  async load(id: number, { module, phases, scratchOf }: ThreadProgram): Promise<void> {
    const sections = phases.flatMap(({ section }) => (section === null ? [] : [section]))
    const words = this.words.buffer
    this.members.forEach(({ thread }, index) =>
      thread.post({ kind: 'load', id, module, memory: this.memory, words, sections, scratch: scratchOf(index + 1) }),
    )
    await this.until(() => this.members.every(({ loaded }) => loaded.has(id)))
    this.throwIfFailed()
  }

  drop(id: number): void {
    for (const { thread } of this.members) thread.post({ kind: 'drop', id })
  }

  /**
   * Runs all phases, large ones with the threads. Returns a promise only if it has to wait for the event loop.
   * @throws DeviceError when a thread died or failed
   */
  replay(id: number, program: ThreadProgram): Promise<void> | null {
    this.throwIfFailed()
    const firstTurn = (this.turn + 1) | 0
    for (const { thread } of this.members) thread.post({ kind: 'run', id, firstTurn })
    const end = () => this.open(this.turn + 1)
    // Threads may be in the midst of it, and none knows where the others are: a new crew is what the next replay needs.
    const failed = (error: unknown): never => {
      this.fail(String(error))
      throw error
    }
    const walk = (first: number): Promise<void> | null => {
      for (let i = first; i < program.phases.length; i++) {
        const phase = program.phases[i]
        if (phase.section === null) runPhase(phase, program.scratchOf(0))
        else {
          const waiting = this.share(phase.section, phase.run, program.scratchOf(0))
          if (waiting) return waiting.then(() => walk(i + 1) ?? undefined)
        }
      }
      return null
    }
    try {
      const waiting = walk(0)
      if (waiting) return waiting.then(end, failed)
    } catch (error) {
      failed(error)
    }
    end()
    return null
  }

  /** Ends the threads; whoever waits for them is told. */
  dismiss(): void {
    this.isDismissed = true
    this.fail('the device was disposed of')
  }

  /** Makes the next turn known. A ticket without chunks goes with a turn that is no section's. */
  private open(turn: number): void {
    // i32, as the threads count.
    this.turn = turn | 0
    Atomics.store(this.words, 2, 0)
    Atomics.store(this.words, 1, (this.turn & 0xffff) << 16)
    Atomics.store(this.words, 0, this.turn)
    Atomics.notify(this.words, 0)
  }

  private share(section: Section, run: PhaseFunction, scratch: number): Promise<void> | null {
    this.open(this.turn + 1)
    takeChunks(this.words, this.turn, section, run, scratch)
    const chunks = Math.ceil(section.units / section.chunkUnits)
    for (let spin = 0; spin < spins; spin++) if (Atomics.load(this.words, 2) === chunks) return null
    return this.settle(chunks)
  }

  /** Waits for the chunks that others have taken: asleep while that goes on, in the event loop if it takes long. */
  private settle(chunks: number): Promise<void> | null {
    while (canSleep) {
      const done = Atomics.load(this.words, 2)
      if (done === chunks) return null
      if (Atomics.load(this.words, 3) !== 0 || Atomics.wait(this.words, 2, done, sleepMs) === 'timed-out') break
    }
    return this.settleInEvents(chunks)
  }

  private async settleInEvents(chunks: number): Promise<void> {
    let looked = performance.now()
    let silentMs = 0
    for (let done = -1; done !== chunks; ) {
      // The reason of a failure comes as a message, which may be late.
      await yieldToEvents()
      this.throwIfFailed()
      const [now, moment] = [Atomics.load(this.words, 2), performance.now()]
      silentMs = now === done ? silentMs + Math.min(moment - looked, longestMomentMs) : 0
      looked = moment
      if (silentMs > this.patienceMs) this.fail(`nothing was heard of it for ${this.patienceMs / 1000} s`)
      done = now
      if (canSleep && done !== chunks && Atomics.load(this.words, 3) === 0) Atomics.wait(this.words, 2, done, 1)
    }
  }

  private hear(member: Member, reply: ThreadReply): void {
    if (member.isGone) return
    if (reply.kind === 'failed') this.fail(reply.why)
    else if (reply.kind === 'loaded') member.loaded.add(reply.id)
    else member.isStarted = true
    this.tell()
  }

  private lose(member: Member, why: string): void {
    if (member.isGone) return
    member.isGone = true
    if (member.isStarted) this.fail(why)
    this.tell()
  }

  private fail(why: string): void {
    if (this.failure === null) {
      this.failure = why
      this.ended = Promise.allSettled(this.members.map(({ thread }) => thread.end()))
    }
    this.tell()
  }

  private throwIfFailed(): void {
    if (this.isDismissed) throw new DeviceError('cpu: the device was disposed of')
    if (this.failure !== null)
      throw new DeviceError(
        `cpu: a thread died (${this.failure}); what it computed is lost. The next call starts new threads.`,
      )
  }

  private tell(): void {
    for (const listener of this.listeners) listener()
  }

  /** Waits for a condition on what threads have told, or for a failure. */
  private async until(condition: () => boolean): Promise<void> {
    for (const { thread } of this.members) thread.keepAlive(true)
    await new Promise<void>((resolve) => {
      const look = () => {
        if (!condition() && this.failure === null) return
        this.listeners.delete(look)
        resolve()
      }
      this.listeners.add(look)
      look()
    })
    if (this.listeners.size === 0) for (const { thread } of this.members) thread.keepAlive(false)
  }
}
