import { distanceToLine, type Extent, type Point, runsInside } from '../pictures/lines.ts'

/** What is drawn on a label map: an area of whole pixels, [height * width], 1 inside. A pixel is in or out; it can't be in two segments. */
export type Area = Uint8Array

/** The lasso's: the pixels whose middles the line, joined to its beginning, winds around (the non-zero rule). */
export function lassoed(line: readonly Point[], extent: Extent): Area {
  const area = new Uint8Array(extent.height * extent.width)
  runsInside(line, extent, (first, end) => area.fill(1, first, end))
  return area
}

/**
 * A round brush's: the pixels whose middles are within half the diameter of the line, and those its points lie in. However fine
 * the brush and fast the stroke, each of its pixels touches the next, at a corner at least.
 * @param diameter in pixels, at least 1
 */
export function brushed(line: readonly Point[], diameter: number, extent: Extent): Area {
  const { height, width } = extent
  const area = new Uint8Array(height * width)
  const radius = diameter / 2
  for (const [i, to] of line.entries()) {
    const from = line[Math.max(0, i - 1)]
    const [top, bottom] = pixelRange(Math.min(from.y, to.y) - radius, Math.max(from.y, to.y) + radius, height)
    const [left, right] = pixelRange(Math.min(from.x, to.x) - radius, Math.max(from.x, to.x) + radius, width)
    for (let y = top; y <= bottom; y++)
      for (let x = left; x <= right; x++)
        if (distanceToLine(x + 0.5, y + 0.5, from, to) <= radius) area[y * width + x] = 1
    const [x, y] = [Math.floor(to.x), Math.floor(to.y)]
    if (x >= 0 && y >= 0 && x < width && y < height) area[y * width + x] = 1
  }
  return area
}

/**
 * A line that goes on straight at both ends, each as it came over the same distance: who means to draw to an edge often stops short
 * of it.
 * @param reach in pixels
 */
export function lengthened(line: readonly Point[], reach: number): Point[] {
  const onward = (points: readonly Point[]): Point[] => {
    const { x, y } = points[0]
    const away = (point: Point) => Math.hypot(point.x - x, point.y - y)
    const before = points.find((point) => away(point) >= reach) ?? points[points.length - 1]
    const distance = away(before)
    return distance === 0
      ? []
      : [{ x: x + ((x - before.x) * reach) / distance, y: y + ((y - before.y) * reach) / distance }]
  }
  return line.length === 0 ? [] : [...onward(line), ...line, ...onward(line.toReversed())]
}

/** The first and the last pixel of a row or column that a stretch of it touches. */
function pixelRange(from: number, to: number, extent: number): [first: number, last: number] {
  return [Math.max(0, Math.floor(from)), Math.min(extent - 1, Math.floor(to))]
}
