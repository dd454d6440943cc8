import type { AbortSignal } from '../engine/platform/types.ts'

/**
 * Work that can be interrupted: between two steps others may run, and an abort may end it. A step is some hundred thousand additions,
 * so that to pause costs nothing to speak of. Work that knows what share of it is done, 0 to 1, says so at each step.
 */
export type Steps<T> = Generator<number | undefined, T, void>

/** How many additions, or what takes about as long, make a step. */
export const stepSize = 2 ** 17

/** Every how many rows of so many additions each a step ends. */
export function rowsAStep(length: number): number {
  return Math.max(1, Math.floor(stepSize / Math.max(1, length)))
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
 * Does all steps, and lets timers and events run every 50 ms.
 * @param tell hears the share that is done, never a smaller one, each time others had their turn
 * @throws signal.reason soon after the signal aborts
 */
export async function inTurns<T>(
  work: Steps<T>,
  signal: AbortSignal | undefined,
  tell: (done: number) => void = () => {},
): Promise<T> {
  const letOthersRun = fairTurns()
  let most = 0
  for (;;) {
    signal?.throwIfAborted()
    const step = work.next()
    if (step.done) return step.value
    most = Math.max(most, step.value ?? 0)
    const pause = letOthersRun()
    if (!pause) continue
    await pause
    signal?.throwIfAborted()
    tell(most)
  }
}

/** Does all steps in one go: for work that is known to be short. */
export function inOneGo<T>(work: Steps<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
  }
}

/** What takes no step at all. */
// biome-ignore lint/correctness/useYield: there is nothing to wait for
export function* known<T>(value: T): Steps<T> {
  return value
}

/** The steps of work that makes up the part from..to of a larger one. */
export function* part<T>(work: Steps<T>, from: number, to: number): Steps<T> {
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
    // Whoever does not say how far it is, is at its beginning at least.
    yield from + (step.value ?? 0) * (to - from)
  }
}
