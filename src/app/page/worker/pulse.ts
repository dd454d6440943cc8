/**
 * Whether the Worker still lives while it starts. A Worker that starts another one stands still for ever now and then in Firefox
 * (153 ESR on a busy machine: once in some two hundred times), and no message reaches it any more: only the page can tell, because
 * nothing is heard of it.
 */

/** How often the Worker says that it is alive, in ms. */
export const beatMs = 1000
/** How long nothing may be heard of it. It computes for less than a second at a time while it starts. */
const patienceMs = 10_000
/** What counts of a moment at most: while a laptop sleeps, or a page is frozen, its Worker is, too. */
const longestMomentMs = 2000

export class Pulse {
  /** Resolves when nothing was heard for too long. It is not waited for before the first beat: until then files are on their way. */
  readonly stopped: Promise<null>
  private silentMs = 0
  private looked = 0
  private timer: ReturnType<typeof setInterval> | undefined
  private isOver = false
  private stop: (nothing: null) => void = () => {}

  constructor() {
    this.stopped = new Promise((resolve) => {
      this.stop = resolve
    })
  }

  beat(): void {
    if (this.isOver) return
    this.silentMs = 0
    this.looked = performance.now()
    this.timer ??= setInterval(() => this.look(), beatMs)
  }

  /** Nothing is expected to be heard any more. */
  end(): void {
    this.isOver = true
    clearInterval(this.timer)
  }

  private look(): void {
    const now = performance.now()
    this.silentMs += Math.min(now - this.looked, longestMomentMs)
    this.looked = now
    if (this.silentMs < patienceMs) return
    this.end()
    this.stop(null)
  }
}
