/** Where segments of a picture meet, and where to write on one. */

/**
 * Pixels whose right or lower neighbour is of another segment: 1 there, 0 elsewhere.
 * @param of only where this one meets others; all segments unless given
 */
export function edgesOf(segments: Int32Array, height: number, width: number, of?: number): Uint8Array {
  const edges = new Uint8Array(segments.length)
  const counts = (a: number, b: number) => a !== b && (of === undefined || a === of || b === of)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x
      const isEdge =
        (x + 1 < width && counts(segments[pixel], segments[pixel + 1])) ||
        (y + 1 < height && counts(segments[pixel], segments[pixel + width]))
      if (isEdge) edges[pixel] = 1
    }
  return edges
}

/** The pixel of a segment that is nearest to its middle, [x, y]; null where it has none. */
export function middleOf(segments: Int32Array, width: number, segment: number): readonly [x: number, y: number] | null {
  let [sumX, sumY, area] = [0, 0, 0]
  segments.forEach((own, pixel) => {
    if (own !== segment) return
    sumX += pixel % width
    sumY += Math.floor(pixel / width)
    area++
  })
  if (area === 0) return null
  let best: readonly [number, number] | null = null
  let least = Number.POSITIVE_INFINITY
  segments.forEach((own, pixel) => {
    if (own !== segment) return
    const [x, y] = [pixel % width, Math.floor(pixel / width)]
    const distance = (x - sumX / area) ** 2 + (y - sumY / area) ** 2
    if (distance < least) [best, least] = [[x, y], distance]
  })
  return best
}
