/**
 * One training a browser: what it keeps has one place, and two tabs that trained at once would write over each other. The tab
 * that trains holds a lock (Web Locks), which the browser lets go when the tab ends, however it ends.
 */

const name = 'limelight-training'

/** Tells the other tabs that a training has begun: that it is over, the lock itself tells. */
const news = 'BroadcastChannel' in globalThis ? new BroadcastChannel(name) : null

/** Not there in insecure contexts: then nobody knows of other tabs, and every one may train. */
const locks: LockManager | undefined = globalThis.navigator?.locks

/**
 * Does the work while no other tab trains.
 * @throws Error when one does
 */
export async function trainAlone(work: () => Promise<void>): Promise<void> {
  if (!locks) return work()
  for (;;) {
    const isDone = await locks.request(name, { ifAvailable: true }, async (lock) => {
      if (!lock) return false
      news?.postMessage('begun')
      await work()
      return true
    })
    if (isDone) return
    // Tabs that waited for a training's end hold the lock for a moment, shared: that is none.
    const { held = [] } = await locks.query()
    if (held.some((lock) => lock.name === name && lock.mode === 'exclusive'))
      throw new Error('a training runs in another tab of this browser: wait for its end, or stop it there')
  }
}

/** Tells now, and whenever it changes, whether another tab trains. @returns what ends it */
export function watchOtherTabs(onChange: (isElsewhere: boolean) => void): () => void {
  const ended = new AbortController()
  const look = async () => {
    const { held = [] } = (await locks?.query()) ?? {}
    if (ended.signal.aborted || !held.some((lock) => lock.name === name && lock.mode === 'exclusive')) return
    onChange(true)
    // It is this tab's turn when the other one is done: nothing is held, only waited for.
    await locks?.request(name, { mode: 'shared', signal: ended.signal }, () => {})
    onChange(false)
  }
  const start = () => void look().catch(() => {})
  start()
  news?.addEventListener('message', start)
  return () => {
    ended.abort()
    news?.removeEventListener('message', start)
  }
}
