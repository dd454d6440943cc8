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
