/**
 * Lets everything that waits in the event loop run: aborts, input, rendering. Long loops call it between their steps,
 * because awaiting a promise alone never leaves the queue of microtasks.
 */
export function yieldToEvents(): Promise<void> {
  // A message, not a timer: browsers hold nested timers back by 4 ms.
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve))
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}
