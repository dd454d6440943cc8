/** Points spread evenly over an image: where slic's clusters and watershed's basins begin. */

/** Half to even, as NumPy rounds. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}

interface GridAxis {
  readonly start: number
  readonly step: number
}

/**
 * scikit-image's `util.regular_grid` in two dimensions: about `count` points on a regular grid over [height, width]: the start and step along each axis. An axis shorter than the
 * ideal spacing gets a single row of points, and the other axis shares them out.
 */
export function regularGrid(height: number, width: number, count: number): { y: GridAxis; x: GridAxis } {
  const everyPixel = { start: 0, step: 1 }
  if (height * width <= count) return { y: everyPixel, x: everyPixel }
  const short = Math.min(height, width)
  const long = Math.max(height, width)
  let shortSpacing = Math.sqrt((height * width) / count)
  let longSpacing = shortSpacing
  if (short < shortSpacing) {
    shortSpacing = short
    longSpacing = long / count
  }
  const axis = (spacing: number) => ({ start: Math.floor(Math.floor(spacing) / 2), step: roundHalfEven(spacing) })
  // spacing // 2 in floats is floor(spacing / 2), which floor(floor(spacing) / 2) equals.
  const [shortAxis, longAxis] = [axis(shortSpacing), axis(longSpacing)]
  return height <= width ? { y: shortAxis, x: longAxis } : { y: longAxis, x: shortAxis }
}

export function pointsAlong({ start, step }: GridAxis, extent: number): number[] {
  const points = []
  for (let at = start; at < extent; at += step) points.push(at)
  return points
}
