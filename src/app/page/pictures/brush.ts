import { task } from '../../tasks/chosen-task.ts'
import { distanceToLine, type Point, runsInside } from './lines.ts'

/**
 * Drawing on a picture of the network's few pixels. A stroke is the set of points it came by: how much of each pixel it covers
 * depends on the nearest of them, so that a fast stroke has no gaps, and a slow one, or one that comes by again, is no darker at
 * its soft edge than another.
 */

export interface Brush {
  /** In pixels. */
  readonly radius: number
  /** What it paints, 0 to 255; of black it is an eraser. */
  readonly brightness: number
  /** What the stroke encloses is painted, too; its end is joined to its beginning. */
  readonly fills: boolean
  /** What is drawn on one side appears on the other: clothes are alike on both. */
  readonly mirrors: boolean
}

const [height, width] = task.inputShape
const pixelCount = height * width

/** One stroke, from where the brush touches the picture until it leaves it. */
export class Stroke {
  private readonly points: Point[] = []
  /** How much of each pixel the line covers, [height * width], 0 to 1. */
  private readonly line = new Float32Array(pixelCount)

  /** @param before the picture drawn on, [height * width], 0 to 255; it stays as it is */
  constructor(
    private readonly before: Uint8Array,
    private readonly brush: Brush,
  ) {}

  /** Draws on to a point, which may lie beyond the picture. */
  to(point: Point): void {
    coverLine(this.line, this.points.at(-1) ?? point, point, this.brush.radius)
    this.points.push(point)
  }

  /** The picture with the stroke as far as it has come, a new array [height * width]. */
  pixels(): Uint8Array {
    const { brightness, fills, mirrors } = this.brush
    const coverage = fills ? this.area() : this.line
    return this.before.map((value, pixel) => {
      const share = mirrors ? Math.max(coverage[pixel], coverage[opposite(pixel)]) : coverage[pixel]
      return Math.round(value + (brightness - value) * share)
    })
  }

  /** The line's coverage with all that it encloses. */
  private area(): Float32Array {
    const coverage = this.line.slice()
    const { points } = this
    if (points.length === 0) return coverage
    coverLine(coverage, points[points.length - 1], points[0], this.brush.radius)
    runsInside(points, { height, width }, (first, end) => coverage.fill(1, first, end))
    return coverage
  }
}

/** The pixel on the other side of the vertical line through the picture's middle. */
function opposite(pixel: number): number {
  const x = pixel % width
  return pixel - x + (width - 1 - x)
}

/** Covers all pixels near the line, fully in its middle and less towards its edge; what is covered more stays so. */
function coverLine(coverage: Float32Array, from: Point, to: Point, radius: number): void {
  // Half of a broad brush is soft; a fine one is as soft as a pixel, so that it does not jump from one to the next.
  const softness = Math.max(1, radius)
  for (let pixel = 0; pixel < pixelCount; pixel++) {
    const distance = distanceToLine((pixel % width) + 0.5, Math.floor(pixel / width) + 0.5, from, to)
    const share = Math.min(1, (radius + 0.5 - distance) / softness)
    if (share > coverage[pixel]) coverage[pixel] = share
  }
}
