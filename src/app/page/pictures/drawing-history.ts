/** A drawing and the way back: what can be undone, and what was. Nothing in it changes; each step gives another. */
export interface DrawingHistory<Drawing> {
  readonly now: Drawing
  /** What was before it, the latest last. */
  readonly past: readonly Drawing[]
  /** What was undone, the latest last. */
  readonly undone: readonly Drawing[]
  /** So many steps can be undone at most. */
  readonly most: number
}

export function startHistory<Drawing>(now: Drawing, most = Number.POSITIVE_INFINITY): DrawingHistory<Drawing> {
  return { now, past: [], undone: [], most }
}

/** The drawing is another now; where it is the same, nothing happened that could be undone. */
export function advance<Drawing>(
  history: DrawingHistory<Drawing>,
  now: Drawing,
  areSame: (a: Drawing, b: Drawing) => boolean = Object.is,
): DrawingHistory<Drawing> {
  if (areSame(now, history.now)) return history
  const { past, most } = history
  return { now, past: [...past.slice(Math.max(0, past.length + 1 - most)), history.now], undone: [], most }
}

/** One step back, if there is one. */
export function undo<Drawing>(history: DrawingHistory<Drawing>): DrawingHistory<Drawing> {
  const { now, past, undone, most } = history
  if (past.length === 0) return history
  return { now: past[past.length - 1], past: past.slice(0, -1), undone: [...undone, now], most }
}

/** One step forward again, if one was undone. */
export function redo<Drawing>(history: DrawingHistory<Drawing>): DrawingHistory<Drawing> {
  const { now, past, undone, most } = history
  if (undone.length === 0) return history
  return { now: undone[undone.length - 1], past: [...past, now], undone: undone.slice(0, -1), most }
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((value, pixel) => value === b[pixel])
}
