/** Lines drawn over pictures: how far they are from a pixel's middle, and which pixels a closed one winds around. */

/** In pixels from the picture's top left corner: the first pixel's middle is at 0.5, 0.5. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** Of a picture, in pixels. */
export interface Extent {
  readonly height: number
  readonly width: number
}

/** From the point x, y to the nearest one of the straight line between two others, in pixels. */
export function distanceToLine(x: number, y: number, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y]
  const length = dx * dx + dy * dy
  const [fromX, fromY] = [x - from.x, y - from.y]
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, (fromX * dx + fromY * dy) / length))
  return Math.hypot(fromX - along * dx, fromY - along * dy)
}

/**
 * Visits the pixels whose middles a closed line winds around, in whichever direction and however often (the non-zero rule), as
 * runs of one row each: from pixel `first` until before pixel `end`, of [height * width].
 * @param corners of the line; the last is joined to the first
 */
export function runsInside(
  corners: readonly Point[],
  { height, width }: Extent,
  visit: (first: number, end: number) => void,
): void {
  let [top, bottom] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { y } of corners) {
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  }
  for (let y = Math.max(0, Math.floor(top)); y < Math.min(height, bottom); y++) {
    const crossings: { x: number; turn: 1 | -1 }[] = []
    const isAbove = (point: Point) => point.y <= y + 0.5
    for (const [i, b] of corners.entries()) {
      const a = corners[i === 0 ? corners.length - 1 : i - 1]
      if (isAbove(a) === isAbove(b)) continue
      crossings.push({ x: a.x + ((y + 0.5 - a.y) / (b.y - a.y)) * (b.x - a.x), turn: isAbove(a) ? 1 : -1 })
    }
    crossings.sort((a, b) => a.x - b.x)
    let turns = 0
    for (const [i, { x: start, turn }] of crossings.entries()) {
      turns += turn
      if (turns === 0) continue
      const first = Math.max(0, Math.ceil(start - 0.5))
      const end = Math.min(width, Math.ceil(crossings[i + 1].x - 0.5))
      if (first < end) visit(y * width + first, y * width + end)
    }
  }
}
