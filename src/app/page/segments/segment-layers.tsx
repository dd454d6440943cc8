import { useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import type { Extent, Point } from '../pictures/lines.ts'
import { borders, outlines } from './borders.ts'
import {
  drawnLines,
  highlightLines,
  ownLines,
  paintInside,
  paintLine,
  paintRuns,
  paintSegment,
  paintStroke,
  segmenterLines,
} from './paint.ts'
import type { Segmentation } from './segmentation.ts'
import { useScreenSize } from './use-screen-size.ts'

/** The picture, the borders of its segments, what is pointed at and what is being drawn: canvases one above the other. */

const chosenTint = 'rgb(255 230 0 / 40%)'
const highlightTint = 'rgb(60 150 255 / 30%)'
const drawnTint = 'rgb(255 230 0 / 45%)'

/** A line as it is being drawn. */
export interface DrawnLine {
  readonly points: readonly Point[]
  /** What it is for: to go around something, to paint, or to cut. */
  readonly kind: 'lasso' | 'brush' | 'cut'
  /** Of the brush, in pixels. */
  readonly diameter: number
}

export function SegmentLayers({
  picture,
  segmentation,
  extent,
  highlighted,
  chosen,
  line,
}: {
  picture: ImageData
  segmentation: Segmentation
  /** Of the map. */
  extent: Extent
  /** Segments, or null. */
  highlighted: number | null
  chosen: number | null
  line: DrawnLine | null
}) {
  const borderCanvas = useRef<HTMLCanvasElement>(null)
  const highlightCanvas = useRef<HTMLCanvasElement>(null)
  const lineCanvas = useRef<HTMLCanvasElement>(null)
  const { height, width } = useScreenSize(borderCanvas)
  const { labels, own } = segmentation

  const runs = useMemo(
    () => ({
      all: borders(labels, extent),
      own: borders(labels, extent, (a, b) => own.has(a) || own.has(b)),
    }),
    [labels, own, extent],
  )
  useLayoutEffect(() => {
    const canvas = cleared(borderCanvas.current, { height, width })
    if (!canvas) return
    paintRuns(canvas, runs.all, extent, segmenterLines)
    paintRuns(canvas, runs.own, extent, ownLines)
  }, [runs, extent, height, width])

  useLayoutEffect(() => {
    const canvas = cleared(highlightCanvas.current, { height, width })
    if (!canvas) return
    if (chosen !== null) paintSegment(canvas, labels, extent, chosen, chosenTint)
    if (highlighted === null) return
    if (highlighted !== chosen) paintSegment(canvas, labels, extent, highlighted, highlightTint)
    const around = outlines(labels, extent, (id) => id === highlighted)
    paintRuns(canvas, around, extent, highlightLines)
  }, [labels, extent, highlighted, chosen, height, width])

  useLayoutEffect(() => {
    const canvas = cleared(lineCanvas.current, { height, width })
    if (!canvas || !line) return
    const { points, kind, diameter } = line
    if (kind === 'brush') return paintStroke(canvas, points, extent, diameter, drawnTint)
    if (kind === 'lasso') paintInside(canvas, points, extent, drawnTint)
    paintLine(canvas, points, extent, drawnLines)
  }, [line, extent, height, width])

  return (
    <div class="segment-layers" aria-hidden="true">
      <PictureCanvas picture={picture} isEnlarged={width > 3 * picture.width} />
      <canvas ref={borderCanvas} />
      <canvas ref={highlightCanvas} />
      <canvas ref={lineCanvas} />
    </div>
  )
}

/** The canvas with nothing on it, of that size. */
function cleared(canvas: HTMLCanvasElement | null, { height, width }: Extent): HTMLCanvasElement | null {
  if (canvas) Object.assign(canvas, { height, width })
  return canvas
}

function PictureCanvas({ picture, isEnlarged }: { picture: ImageData; isEnlarged: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useLayoutEffect(() => canvas.current?.getContext('2d')?.putImageData(picture, 0, 0), [picture])
  return (
    <canvas
      ref={canvas}
      // A few large pixels stay squares; a photograph is smooth.
      class={isEnlarged ? undefined : 'is-smooth'}
      height={picture.height}
      width={picture.width}
    />
  )
}
