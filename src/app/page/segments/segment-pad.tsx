import { useLayoutEffect, useMemo, useState } from 'preact/hooks'
import { count, percent } from '../number-format.ts'
import { arrowSteps } from '../parts/arrow-steps.ts'
import { BrushRing } from '../pictures/brush-ring.tsx'
import type { Extent, Point } from '../pictures/lines.ts'
import { type Cell, cellAt, middleOf, share } from '../pictures/pointing.ts'
import { usePen } from '../pictures/use-pen.ts'
import { middlePixelOf, pixelsOf } from './parts.ts'
import { type DrawnLine, SegmentLayers } from './segment-layers.tsx'
import { areasOf, type Segmentation } from './segmentation.ts'

/** So many arrow presses lead from one end of the picture's longer side to the other. */
const stepsAcross = 100
/** With Shift a step is as long as so many. */
const longStep = 8

/** The picture that is worked on: by mouse, finger or pen, and by keys that move a cursor over it. */
export function SegmentPad({
  picture,
  segmentation,
  extent,
  draws,
  diameter,
  chosen,
  describedBy,
  onLine,
  onPress,
  onEscape,
}: {
  picture: ImageData
  segmentation: Segmentation
  /** Of the map. */
  extent: Extent
  /** What a line is for; null: segments are pressed. */
  draws: DrawnLine['kind'] | null
  /** Of the brush, in pixels. */
  diameter: number
  /** This segment stands out. */
  chosen: number | null
  /** The element that says what keys do. */
  describedBy: string
  /** A line is drawn, in the map's pixels: at least one point. */
  onLine: (points: readonly Point[]) => void
  onPress: (segment: number) => void
  /** Escape is pressed, and no line is being drawn. */
  onEscape: () => void
}) {
  const [cursor, setCursor] = useState<Cell>({ x: extent.width >> 1, y: extent.height >> 1 })
  /** Whether it was keys that moved the cursor last: then it is shown, and said where it is. */
  const [isByKeys, setByKeys] = useState(false)
  /** The line drawn so far by pointer, or its corners by keys. */
  const [line, setLine] = useState<readonly Point[]>([])
  // A line that was begun with one tool is not ended with another.
  useLayoutEffect(() => setLine([]), [draws])
  const { labels, own } = segmentation
  const segmentAt = ({ x, y }: Cell) => labels[y * extent.width + x]

  const { pointer, isDrawing, ...onPointer } = usePen(extent, {
    onBegin(point) {
      setCursor(cellAt(point, extent))
      setByKeys(false)
      setLine([point])
    },
    onMove: (points) => setLine((before) => [...before, ...points]),
    onEnd() {
      setLine([])
      if (draws) return onLine(line)
      const [from, to] = [line[0], line[line.length - 1]].map((point) => segmentAt(cellAt(point, extent)))
      // Who leaves the segment before letting go thought better of it.
      if (from === to) onPress(to)
    },
    onCancel: () => setLine([]),
  })

  const press = () => {
    if (!draws) return onPress(segmentAt(cursor))
    const point = middleOf(cursor)
    const isOn = (corner: Point | undefined) => corner?.x === point.x && corner?.y === point.y
    const isDone = isOn(line.at(-1)) || (draws === 'lasso' && isOn(line[0]))
    if (!isDone) return setLine([...line, point])
    setLine([])
    onLine(line)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey || isDrawing) return
    const next = cursorAfter(event, cursor, segmentation, extent)
    if (next) setCursor(next)
    else if (event.key === 'Enter' || event.key === ' ') press()
    else if (event.key === 'Backspace') setLine(line.slice(0, -1))
    else if (event.key === 'Escape' && line.length > 0) setLine([])
    else if (event.key === 'Escape') onEscape()
    else return
    event.preventDefault()
    setByKeys(true)
  }

  const pointed = pointer && !isDrawing ? segmentAt(cellAt(pointer, extent)) : isByKeys ? segmentAt(cursor) : null
  const areas = useMemo(() => areasOf(labels), [labels])
  const about = (id: number) => {
    const yours = own.has(id) ? ', yours' : ''
    return `Segment ${id}${yours}: ${percent((areas.get(id) ?? 0) / labels.length)} of the picture`
  }
  const shownLine = isDrawing || line.length === 0 ? line : [...line, middleOf(cursor)]
  return (
    <div class="segment-picture">
      <div
        class="segment-pad"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes keys of its own
        tabIndex={0}
        aria-label={`The picture’s segments, ${extent.height} by ${extent.width} pixels`}
        aria-describedby={describedBy}
        style={{ '--ratio': String(shownRatio(extent)) }}
        {...onPointer}
        onKeyDown={onKeyDown}
        onBlur={() => !isDrawing && setByKeys(false)}
      >
        <SegmentLayers
          picture={picture}
          segmentation={segmentation}
          extent={extent}
          highlighted={pointed}
          chosen={chosen}
          line={draws && shownLine.length > 0 ? { points: shownLine, kind: draws, diameter } : null}
        />
        {isByKeys && (
          <span
            class="segment-cursor"
            aria-hidden="true"
            style={{ left: share(cursor.x + 0.5, extent.width), top: share(cursor.y + 0.5, extent.height) }}
          />
        )}
        {pointer && draws === 'brush' && <BrushRing at={pointer} diameter={diameter} extent={extent} />}
      </div>
      <p class="segment-pointed" aria-hidden="true">
        {pointed === null ? `${count(areas.size)} segments, of which ${own.size} yours` : about(pointed)}
      </p>
      <p class="visually-hidden" role="status">
        {isByKeys &&
          `${about(segmentAt(cursor))}. Row ${cursor.y + 1}, column ${cursor.x + 1}. ${pointsSet(line.length)}`}
      </p>
    </div>
  )
}

/** Where a key leads the cursor; null where it leads nowhere. */
function cursorAfter(
  { key, shiftKey }: KeyboardEvent,
  cursor: Cell,
  { labels }: Segmentation,
  extent: Extent,
): Cell | null {
  const { height, width } = extent
  const step = arrowSteps[key]
  if (step) {
    const length = Math.max(1, Math.round(Math.max(height, width) / stepsAcross)) * (shiftKey ? longStep : 1)
    return cellAt({ x: cursor.x + step.x * length, y: cursor.y + step.y * length }, extent)
  }
  if (key === 'Home') return { ...cursor, x: 0 }
  if (key === 'End') return { ...cursor, x: width - 1 }
  if (key !== 'PageUp' && key !== 'PageDown') return null
  const ids = Array.from(new Set(labels)).sort((a, b) => a - b)
  const at = ids.indexOf(labels[cursor.y * width + cursor.x]) + (key === 'PageDown' ? 1 : ids.length - 1)
  const pixel = middlePixelOf(pixelsOf(labels, ids[at % ids.length]), width)
  return { x: pixel % width, y: Math.floor(pixel / width) }
}

function pointsSet(corners: number): string {
  if (corners === 0) return ''
  return `A line of ${corners} point${corners === 1 ? '' : 's'}.`
}

/** Width over height; a picture as thin as a thread is shown broader, so that it can be pointed at. */
function shownRatio({ height, width }: Extent): number {
  return Math.min(4, Math.max(0.25, width / height))
}
