import { useLayoutEffect, useRef } from 'preact/hooks'
import { tinted, weightColour } from '../../../lime/index.ts'
import { task } from '../../tasks/chosen-task.ts'
import { isMoved } from './pointer-moves.ts'

const [height, width] = task.inputShape

/** Canvas pixels a picture's pixel: enough for lines between segments thinner than a pixel. */
const scale = 16

/** A segment that the surrogate does not use. */
const noWeight = weightColour(0)

/** The weights on the picture, the weights alone, or the picture with its segments' boundaries. */
export type EvidencePicture = 'overlay' | 'heatmap' | 'boundaries'

const boundaryColours: Readonly<Record<EvidencePicture, string>> = {
  overlay: 'rgb(255 255 255 / 45%)',
  heatmap: 'rgb(0 0 0 / 30%)',
  boundaries: '#ff0',
}

/** The picture under its segments' weights, with lines where segments meet and a thicker one around the highlighted. */
export function OverlayCanvas({
  pixels,
  segments,
  shares,
  shows = 'overlay',
  named = null,
  highlighted = null,
  hidden = nothing,
  hiddenPixels = pixels,
  label,
  onPoint,
  onPress,
}: {
  pixels: Uint8Array
  segments: Int32Array
  /** Segment -> weight as a share of the colours' scale, -1 to 1; segments that are not in it are shown plain. */
  shares: ReadonlyMap<number, number>
  shows?: EvidencePicture
  /** This segment has its number on it. */
  named?: number | null
  highlighted?: number | null
  /** These segments show hiddenPixels, hatched. */
  hidden?: ReadonlySet<number>
  hiddenPixels?: Uint8Array
  label: string
  /** The segment under the pointer; null when it leaves. */
  onPoint?: (segment: number | null) => void
  onPress?: (segment: number) => void
}) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (!context) return
    // Pixels are enlarged by the browser, all at once: it is drawn anew whenever the pointer moves to another segment.
    const small = document.createElement('canvas')
    small.width = width
    small.height = height
    const image = new ImageData(width, height)
    const coloured = shows === 'heatmap' ? Array.from(shares) : []
    const weightColours = new Map(coloured.map(([segment, share]) => [segment, weightColour(share)]))
    for (let pixel = 0; pixel < pixels.length; pixel++) {
      const segment = segments[pixel]
      const isHidden = hidden.has(segment)
      const grey = isHidden ? hiddenPixels[pixel] : pixels[pixel]
      const share = isHidden || shows === 'boundaries' ? 0 : (shares.get(segment) ?? 0)
      const weight = shows === 'heatmap' && !isHidden ? (weightColours.get(segment) ?? noWeight) : null
      image.data.set([...(weight ?? tinted(grey, share)), 255], 4 * pixel)
    }
    small.getContext('2d')?.putImageData(image, 0, 0)
    context.imageSmoothingEnabled = false
    context.drawImage(small, 0, 0, width * scale, height * scale)
    for (let pixel = 0; pixel < pixels.length; pixel++)
      if (hidden.has(segments[pixel])) hatch(context, (pixel % width) * scale, Math.floor(pixel / width) * scale)
    const isEdge = (a: number, b: number) => segments[a] !== segments[b]
    const isHighlighted = (pixel: number) => segments[pixel] === highlighted
    const isHighlightsEdge = (a: number, b: number) => isHighlighted(a) !== isHighlighted(b)
    stroke(context, isEdge, boundaryColours[shows], 2)
    // Black under white shows on any picture.
    if (highlighted !== null) {
      stroke(context, isHighlightsEdge, '#000', 8)
      stroke(context, isHighlightsEdge, '#fff', 4)
    }
    for (const segment of new Set([named, highlighted])) if (segment !== null) writeNumber(context, segments, segment)
  }, [pixels, segments, shares, shows, named, highlighted, hidden, hiddenPixels])

  const segmentAt = (event: MouseEvent) => {
    const shown = (event.currentTarget as HTMLCanvasElement).getBoundingClientRect()
    const x = Math.floor(((event.clientX - shown.left) / shown.width) * width)
    const y = Math.floor(((event.clientY - shown.top) / shown.height) * height)
    const isInside = x >= 0 && y >= 0 && x < width && y < height
    return isInside ? segments[y * width + x] : null
  }

  return (
    <canvas
      ref={canvas}
      class={onPress ? 'overlay is-pressed' : 'overlay'}
      width={width * scale}
      height={height * scale}
      role="img"
      aria-label={label}
      onPointerMove={(event) => isMoved(event) && onPoint?.(segmentAt(event))}
      onPointerLeave={() => onPoint?.(null)}
      onClick={(event) => {
        const segment = segmentAt(event)
        if (segment !== null) onPress?.(segment)
      }}
    />
  )
}

const nothing: ReadonlySet<number> = new Set()
/** A stroke across a pixel that joins its neighbours' to long lines. */
function hatch(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.strokeStyle = 'rgb(255 255 255 / 40%)'
  context.lineWidth = 2
  context.beginPath()
  context.moveTo(x, y + scale)
  context.lineTo(x + scale, y)
  context.stroke()
}

/** A segment's number, on the pixel of it that is nearest to its middle. */
function writeNumber(context: CanvasRenderingContext2D, segments: Int32Array, segment: number): void {
  const own = Array.from(segments.keys()).filter((pixel) => segments[pixel] === segment)
  const column = (pixel: number) => pixel % width
  const row = (pixel: number) => Math.floor(pixel / width)
  const mean = (of: (pixel: number) => number) => own.reduce((sum, pixel) => sum + of(pixel), 0) / own.length
  const [x, y] = [mean(column), mean(row)]
  const distance = (pixel: number) => (column(pixel) - x) ** 2 + (row(pixel) - y) ** 2
  const middle = own.reduce((best, pixel) => (distance(pixel) < distance(best) ? pixel : best), own[0])
  context.font = `600 ${2 * scale}px system-ui, sans-serif`
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.lineJoin = 'round'
  context.lineWidth = 6
  context.strokeStyle = '#000'
  context.fillStyle = '#fff'
  const at = [(column(middle) + 0.5) * scale, (row(middle) + 0.5) * scale] as const
  context.strokeText(String(segment), ...at)
  context.fillText(String(segment), ...at)
}

/** Draws the lines between neighbouring pixels of which `isEdge` is true. */
function stroke(
  context: CanvasRenderingContext2D,
  isEdge: (a: number, b: number) => boolean,
  colour: string,
  lineWidth: number,
): void {
  context.strokeStyle = colour
  context.lineWidth = lineWidth
  context.lineCap = 'square'
  context.beginPath()
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x
      const [right, bottom] = [(x + 1) * scale, (y + 1) * scale]
      if (x + 1 < width && isEdge(pixel, pixel + 1)) {
        context.moveTo(right, y * scale)
        context.lineTo(right, bottom)
      }
      if (y + 1 < height && isEdge(pixel, pixel + width)) {
        context.moveTo(x * scale, bottom)
        context.lineTo(right, bottom)
      }
    }
  context.stroke()
}
