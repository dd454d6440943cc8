/** A drawing and the way back: what can be undone, and what was. Nothing in it changes; each step gives another. */
export interface DrawingHistory {
  /** The picture now, [height * width], 0 to 255. */
  readonly pixels: Uint8Array
  /** The pictures before it, the latest last. */
  readonly past: readonly Uint8Array[]
  /** The pictures undone, the latest last. */
  readonly undone: readonly Uint8Array[]
}

export function startHistory(pixels: Uint8Array): DrawingHistory {
  return { pixels, past: [], undone: [] }
}

/** The picture is another now; where it is the same, nothing happened that could be undone. */
export function advance(history: DrawingHistory, pixels: Uint8Array): DrawingHistory {
  if (isSame(pixels, history.pixels)) return history
  return { pixels, past: [...history.past, history.pixels], undone: [] }
}

/** One step back, if there is one. */
export function undo({ pixels, past, undone }: DrawingHistory): DrawingHistory {
  const before = past.at(-1)
  return before ? { pixels: before, past: past.slice(0, -1), undone: [...undone, pixels] } : { pixels, past, undone }
}

/** One step forward again, if one was undone. */
export function redo({ pixels, past, undone }: DrawingHistory): DrawingHistory {
  const after = undone.at(-1)
  return after ? { pixels: after, past: [...past, pixels], undone: undone.slice(0, -1) } : { pixels, past, undone }
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((value, pixel) => value === b[pixel])
}
