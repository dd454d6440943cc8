import type { AbortSignal } from '../engine/platform/types.ts'

/**
 * Waits for a result or for the signal, whichever comes first.
 * @throws signal.reason as soon as the signal aborts, even if the work goes on
 */
export async function unlessAborted<T>(work: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  signal?.throwIfAborted()
  if (!signal || !(work instanceof Promise)) return work
  let stopWaiting = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stopWaiting = () => reject(signal.reason)
    signal.addEventListener('abort', stopWaiting, { once: true })
  })
  // The loser of the race may still reject: nobody waits for it any more.
  aborted.catch(() => {})
  work.catch(() => {})
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stopWaiting)
  }
}

/** Longest stretch of work, in ms, before others get their turn. */
const turn = 50

/** Lets timers and events run (an abort among them) when the last time is more than 50 ms ago; else there is nothing to wait for. */
export function fairTurns(): () => Promise<void> | undefined {
  let last = performance.now()
  return () => {
    if (performance.now() - last < turn) return undefined
    return new Promise((resolve) =>
      setTimeout(() => {
        last = performance.now()
        resolve()
      }, 0),
    )
  }
}

/**
 * What a long computation calls between its steps: it lets others run and rejects with the signal's reason after an abort.
 * @param done the share of the computation that is done, 0 to 1
 */
export type Pause = (done: number) => Promise<void> | void

/** Of a computation that nobody waits for or watches. */
export const atOnce: Pause = () => {}

/** The pauses of a computation that makes up the part from..to of a larger one. */
export function part(pause: Pause, from: number, to: number): Pause {
  return (done) => pause(from + done * (to - from))
}

/** @param tell hears the share that is done, never a smaller one, each time others had their turn */
export function pausing(signal: AbortSignal | undefined, tell: (done: number) => void = () => {}): Pause {
  const letOthersRun = fairTurns()
  let most = 0
  return (done) => {
    signal?.throwIfAborted()
    most = Math.max(most, done)
    return letOthersRun()?.then(() => {
      signal?.throwIfAborted()
      tell(most)
    })
  }
}
