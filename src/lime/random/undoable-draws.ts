import type { AbortSignal } from '../../engine/platform/types.ts'
import { unlessAborted } from '../abort.ts'
import { inTurns, type Steps } from '../steps.ts'
import type { RandomState, RandomStateSnapshot } from './random-state.ts'

/** The last draw of each stream. */
const lastDraws = new WeakMap<RandomState, Promise<unknown>>()

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

  /**
   * Draws in turns; other calls draw from the stream after that, in the order in which they came.
   * @throws signal.reason soon after the signal aborts
   */
  draw<T>(from: (randomState: RandomState) => Steps<T>, signal: AbortSignal | undefined): Promise<T> {
    const { randomState } = this
    const before = lastDraws.get(randomState)
    const inOrder = async () => {
      await before
      return inTurns(this.recorded(from), signal)
    }
    const drawing = inOrder()
    const ended = () => {}
    lastDraws.set(randomState, drawing.then(ended, ended))
    return unlessAborted(drawing, signal)
  }

  private *recorded<T>(from: (randomState: RandomState) => Steps<T>): Steps<T> {
    const { randomState } = this
    this.lookForOthers()
    this.before ??= randomState.snapshot()
    const drawing = from(randomState)
    for (;;) {
      const step = drawing.next()
      this.after = randomState.snapshot()
      if (step.done) return step.value
      yield step.value
      this.lookForOthers()
    }
  }

  private lookForOthers(): void {
    if (this.after && !this.randomState.standsAt(this.after)) this.shared = true
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
