/** Long work by name. Of each name one at a time: starting one stops the one before. */
export class Runs {
  private readonly controllers = new Map<string, AbortController>()

  /** @param work is stopped by its signal. Rejects with the signal's reason, an AbortError, where it was. */
  async run<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.stop(name)
    const controller = new AbortController()
    this.controllers.set(name, controller)
    try {
      return await work(controller.signal)
    } catch (error) {
      // Whatever it met on its way out.
      controller.signal.throwIfAborted()
      throw error
    } finally {
      if (this.controllers.get(name) === controller) this.controllers.delete(name)
    }
  }

  stop(name: string): void {
    this.controllers.get(name)?.abort()
    this.controllers.delete(name)
  }

  stopAll(): void {
    for (const name of this.controllers.keys()) this.stop(name)
  }
}

/** Progress is told at most this often, in ms: a screen shows no more. */
const progressInterval = 40

/** Tells of progress as often as a screen shows it, and of the end. */
export function told(onProgress: (done: number, total: number) => void): (done: number, total: number) => void {
  let last = 0
  return (done, total) => {
    if (done < total && performance.now() - last < progressInterval) return
    last = performance.now()
    onProgress(done, total)
  }
}
