import type { Extent } from '../pictures/lines.ts'

/** Lines between pixels, in pixels from the top left corner: straight runs, each as x, y of its beginning and x, y of its end. */
export type Runs = Int32Array

/**
 * Where segments meet; the picture's own edge is no border.
 * @param isShown which of two segments' borders are meant; all of them where it is left out
 */
export function borders(
  labels: Int32Array,
  extent: Extent,
  isShown: (a: number, b: number) => boolean = () => true,
): Runs {
  return runsOf(extent, (a, b) => a >= 0 && b >= 0 && labels[a] !== labels[b] && isShown(labels[a], labels[b]))
}

/** Around some segments, at the picture's edge, too. */
export function outlines(labels: Int32Array, extent: Extent, isIn: (segment: number) => boolean): Runs {
  const inside = labels.map((segment) => (isIn(segment) ? 1 : 0))
  const of = (pixel: number) => (pixel < 0 ? 0 : inside[pixel])
  return runsOf(extent, (a, b) => of(a) !== of(b))
}

/** @param isLine whether there is a line between two pixels side by side, or one above the other; -1 is what lies beyond the picture */
function runsOf({ height, width }: Extent, isLine: (a: number, b: number) => boolean): Runs {
  const runs: number[] = []
  const pixelAt = (x: number, y: number) => (x < 0 || y < 0 || x >= width || y >= height ? -1 : y * width + x)
  for (let y = 0; y <= height; y++) {
    let start = -1
    for (let x = 0; x <= width; x++) {
      const isOn = x < width && isLine(pixelAt(x, y - 1), pixelAt(x, y))
      if (isOn && start < 0) start = x
      if (isOn || start < 0) continue
      runs.push(start, y, x, y)
      start = -1
    }
  }
  for (let x = 0; x <= width; x++) {
    let start = -1
    for (let y = 0; y <= height; y++) {
      const isOn = y < height && isLine(pixelAt(x - 1, y), pixelAt(x, y))
      if (isOn && start < 0) start = y
      if (isOn || start < 0) continue
      runs.push(x, start, x, y)
      start = -1
    }
  }
  return Int32Array.from(runs)
}
