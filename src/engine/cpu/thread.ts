/**
 * What a thread of the cpu device does. Terms:
 * - section: a phase that is large enough to be shared. Its units are cut into chunks, which threads take from a counter, so
 *   that a faster or less disturbed core does more of them.
 * - turn: the number of the section that is open, counted over all replays. A replay's sections follow one another; the
 *   turn after its last one tells the threads that it is over.
 * - words: four i32 that all threads see: the turn; the ticket (the turn's low 16 bits and the next chunk, in one word, so
 *   that nobody can take a chunk of a section that is over); chunks done of the open section; whether a thread failed.
 *
 * The calling thread walks through all phases, takes chunks as the others do, and goes on when all *chunks* are done: a
 * thread that the system has not woken yet holds nobody up.
 *
 * Both functions are sent to the threads as source text (see start-thread.ts): they may use nothing but their arguments.
 */
export interface Section {
  /** The exported function. */
  readonly phase: string
  readonly units: number
  readonly chunkUnits: number
}

export type PhaseFunction = (first: number, last: number, scratch: number) => void

/** To a thread. */
export type ThreadRequest =
  | {
      readonly kind: 'load'
      readonly id: number
      readonly module: WebAssembly.Module
      readonly memory: WebAssembly.Memory
      readonly words: SharedArrayBuffer
      readonly sections: readonly Section[]
      readonly scratch: number
    }
  /** One replay, whose first section has this turn. */
  | { readonly kind: 'run'; readonly id: number; readonly firstTurn: number }
  | { readonly kind: 'drop'; readonly id: number }

/** From a thread: `started` once, `loaded` after every load, `failed` after an exception, with its text. */
export type ThreadReply =
  | { readonly kind: 'started' }
  | { readonly kind: 'loaded'; readonly id: number }
  | { readonly kind: 'failed'; readonly why: string }

/**
 * Computes chunks of the section that has this turn until none is left or another section is open. Small calls: between two
 * of them the engine may replace slow code by optimised code.
 */
export function takeChunks(
  words: Int32Array,
  turn: number,
  section: Section,
  run: PhaseFunction,
  scratch: number,
): void {
  const unitsPerCall = 4
  for (;;) {
    const ticket = Atomics.load(words, 1)
    const first = (ticket & 0xffff) * section.chunkUnits
    if (ticket >>> 16 !== (turn & 0xffff) || first >= section.units) return
    if (Atomics.compareExchange(words, 1, ticket, ticket + 1) !== ticket) continue
    const last = Math.min(first + section.chunkUnits, section.units)
    for (let unit = first; unit < last; unit += unitsPerCall) run(unit, Math.min(unit + unitsPerCall, last), scratch)
    Atomics.add(words, 2, 1)
    Atomics.notify(words, 2)
  }
}

/** The whole of a thread: answers requests, one replay a message. */
export function threadMain(
  port: { post(reply: ThreadReply): void; listen(receive: (request: ThreadRequest) => void): void },
  take: typeof takeChunks,
): void {
  // Most gaps between two sections are shorter, and waking up takes longer.
  const spins = 2000
  interface Loaded {
    readonly words: Int32Array
    readonly exports: Record<string, PhaseFunction>
    readonly sections: readonly Section[]
    readonly scratch: number
  }
  const programs = new Map<number, Loaded>()
  const fail = (error: unknown) => port.post({ kind: 'failed', why: String(error) })

  const replay = ({ words, exports, sections, scratch }: Loaded, firstTurn: number) => {
    for (;;) {
      const turn = Atomics.load(words, 0)
      const index = (turn - firstTurn) | 0
      if (index >= sections.length) return
      if (index >= 0) {
        try {
          take(words, turn, sections[index], exports[sections[index].phase], scratch)
        } catch (error) {
          fail(error)
          Atomics.store(words, 3, 1)
          Atomics.notify(words, 2)
          return
        }
      }
      // It need not see the replay's end, and the caller need not wake it.
      if (index === sections.length - 1) return
      for (let spin = 0; spin < spins && Atomics.load(words, 0) === turn; spin++);
      Atomics.wait(words, 0, turn)
    }
  }

  port.listen((request) => {
    if (request.kind === 'drop') programs.delete(request.id)
    else if (request.kind === 'run') {
      const program = programs.get(request.id)
      if (program) replay(program, request.firstTurn)
    } else {
      const { id, module, memory, sections, scratch } = request
      const words = new Int32Array(request.words)
      WebAssembly.instantiate(module, { env: { memory } }).then((instance) => {
        const exports = instance.exports as Record<string, PhaseFunction>
        programs.set(id, { words, exports, sections, scratch })
        port.post({ kind: 'loaded', id })
      }, fail)
    }
  })
  port.post({ kind: 'started' })
}
