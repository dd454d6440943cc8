import type { AbortSignal } from '../engine/platform/types.ts'
import { fairTurns } from './abort.ts'

/**
 * Work that can be interrupted: between two steps others may run, and an abort may end it. A step is some hundred thousand additions,
 * so that to pause costs nothing to speak of.
 */
export type Steps<T> = Generator<void, T, void>

/** How many additions, or what takes about as long, make a step. */
export const stepSize = 2 ** 17

/**
 * Does all steps, and lets timers and events run every 50 ms.
 * @throws signal.reason soon after the signal aborts
 */
export async function inTurns<T>(work: Steps<T>, signal: AbortSignal | undefined): Promise<T> {
  const letOthersRun = fairTurns()
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
    const pause = letOthersRun()
    if (pause) await pause
    signal?.throwIfAborted()
  }
}

/** Does all steps in one go: for work that is known to be short. */
export function inOneGo<T>(work: Steps<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
  }
}
