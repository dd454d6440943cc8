import type { RandomState, RandomStateSnapshot } from './random-state.ts'

/**
 * The draws of one call from a stream that it shares: undo() puts the stream back, so that a call that failed or was aborted
 * leaves no trace. When somebody else drew meanwhile, what they got must not come again: then the stream stays where it is.
 */
export class UndoableDraws {
  private before: RandomStateSnapshot | undefined
  private after: RandomStateSnapshot | undefined
  private shared = false
  private readonly randomState: RandomState

  constructor(randomState: RandomState) {
    this.randomState = randomState
  }

  draw<T>(from: (randomState: RandomState) => T): T {
    if (this.after && !this.randomState.standsAt(this.after)) this.shared = true
    this.before ??= this.randomState.snapshot()
    const drawn = from(this.randomState)
    this.after = this.randomState.snapshot()
    return drawn
  }

  undo(): void {
    if (this.before && this.after && !this.shared && this.randomState.standsAt(this.after))
      this.randomState.restore(this.before)
  }
}

/** Does work that draws from a stream; should it fail, the stream is left as it was found. */
export async function drawingUndoably<T>(
  randomState: RandomState,
  work: (draws: UndoableDraws) => Promise<T>,
): Promise<T> {
  const draws = new UndoableDraws(randomState)
  try {
    return await work(draws)
  } catch (error) {
    draws.undo()
    throw error
  }
}
