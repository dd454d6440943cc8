import type { Extent, Point } from '../pictures/lines.ts'
import type { Runs } from './borders.ts'

/** Lines on a canvas as sharp as the screen: they lie on its pixels, whatever the size of the picture's. */

/** A colour under a narrower one, widths in CSS pixels: dark and light together show on any picture. */
export type Lines = readonly { readonly colour: string; readonly width: number }[]

export const segmenterLines: Lines = [
  { colour: 'rgb(0 0 0 / 55%)', width: 3 },
  { colour: '#fff', width: 1 },
]
export const ownLines: Lines = [
  { colour: '#000', width: 4 },
  { colour: '#ffe600', width: 2 },
]
export const highlightLines: Lines = [
  { colour: '#000', width: 6 },
  { colour: '#fff', width: 3 },
]
export const drawnLines: Lines = [
  { colour: '#000', width: 4 },
  { colour: '#ffe600', width: 2 },
]

/** Draws lines between pixels. */
export function paintRuns(canvas: HTMLCanvasElement, runs: Runs, { height, width }: Extent, lines: Lines): void {
  const context = canvas.getContext('2d')
  if (!context) return
  const [scaleX, scaleY] = [canvas.width / width, canvas.height / height]
  for (const { colour, width: cssWidth } of lines) {
    const thickness = Math.max(1, Math.round(cssWidth * devicePixelRatio))
    const before = Math.floor(thickness / 2)
    // One path, so that what is translucent is no darker where lines meet.
    context.beginPath()
    for (let i = 0; i < runs.length; i += 4) {
      const [left, top] = [Math.round(runs[i] * scaleX), Math.round(runs[i + 1] * scaleY)]
      const [right, bottom] = [Math.round(runs[i + 2] * scaleX), Math.round(runs[i + 3] * scaleY)]
      context.rect(left - before, top - before, right - left + thickness, bottom - top + thickness)
    }
    context.fillStyle = colour
    context.fill()
  }
}

/** Draws a line through points; a point alone is a dot. */
export function paintLine(canvas: HTMLCanvasElement, points: readonly Point[], extent: Extent, lines: Lines): void {
  const context = canvas.getContext('2d')
  if (!context) return
  const path = pathOf(canvas, points, extent)
  context.lineJoin = 'round'
  context.lineCap = 'round'
  for (const { colour, width } of lines) {
    context.strokeStyle = colour
    context.lineWidth = width * devicePixelRatio
    context.stroke(path)
  }
}

/** Tints what a closed line winds around. */
export function paintInside(canvas: HTMLCanvasElement, points: readonly Point[], extent: Extent, colour: string): void {
  const context = canvas.getContext('2d')
  if (!context) return
  context.fillStyle = colour
  context.fill(pathOf(canvas, points, extent))
}

function pathOf(canvas: HTMLCanvasElement, points: readonly Point[], { height, width }: Extent): Path2D {
  const path = new Path2D()
  const [scaleX, scaleY] = [canvas.width / width, canvas.height / height]
  for (const [i, { x, y }] of points.entries()) {
    if (i === 0) path.moveTo(x * scaleX, y * scaleY)
    path.lineTo(x * scaleX, y * scaleY)
  }
  return path
}

/** Draws a brush's stroke as wide as it paints. */
export function paintStroke(
  canvas: HTMLCanvasElement,
  points: readonly Point[],
  extent: Extent,
  diameter: number,
  colour: string,
): void {
  const cssWidth = (diameter * canvas.width) / extent.width / devicePixelRatio
  paintLine(canvas, points, extent, [{ colour, width: cssWidth }])
}

/** Tints a segment, pixel by pixel. */
export function paintSegment(
  canvas: HTMLCanvasElement,
  labels: Int32Array,
  { height, width }: Extent,
  segment: number,
  colour: string,
): void {
  const context = canvas.getContext('2d')
  if (!context) return
  const [scaleX, scaleY] = [canvas.width / width, canvas.height / height]
  context.beginPath()
  for (let y = 0; y < height; y++) {
    const [top, bottom] = [Math.round(y * scaleY), Math.round((y + 1) * scaleY)]
    for (let x = 0; x < width; x++) {
      if (labels[y * width + x] !== segment) continue
      const start = x
      while (x < width && labels[y * width + x] === segment) x++
      const left = Math.round(start * scaleX)
      context.rect(left, top, Math.round(x * scaleX) - left, bottom - top)
    }
  }
  context.fillStyle = colour
  context.fill()
}
