import { useRef, useState } from 'preact/hooks'
import type { Extent, Point } from './lines.ts'
import { pointIn } from './pointing.ts'

/** What hears of a line drawn by mouse, finger or pen; points are in the picture's pixels and may lie beyond it. */
export interface Pen {
  readonly onBegin: (point: Point, isEraser: boolean) => void
  /** Where it went since the last time, at least one point. */
  readonly onMove: (points: readonly Point[]) => void
  readonly onEnd: () => void
  /** The browser takes it for something else, such as two fingers that enlarge the page. */
  readonly onCancel: () => void
}

/** The number of the button that a pen's other end presses. */
const penEraserButton = 5

/** Draws with one pointer at a time: other fingers do nothing. */
export function usePen(extent: Extent, { onBegin, onMove, onEnd, onCancel }: Pen) {
  /** Where the pointer is, while it shows where it would draw. */
  const [pointer, setPointer] = useState<Point | null>(null)
  /** A ref beside the state: the next event may come before the next frame. */
  const drawing = useRef<number | null>(null)
  const [isDrawing, setDrawing] = useState(false)
  const finish = (event: PointerEvent, then: () => void) => {
    if (event.pointerId !== drawing.current) return
    drawing.current = null
    setDrawing(false)
    then()
  }
  return {
    pointer,
    isDrawing,
    onPointerDown(event: PointerEvent) {
      const isEraser = event.button === penEraserButton
      if (drawing.current !== null || (event.button !== 0 && !isEraser)) return
      const pad = event.currentTarget as HTMLElement
      pad.setPointerCapture(event.pointerId)
      drawing.current = event.pointerId
      setDrawing(true)
      onBegin(pointIn(pad, event, extent), isEraser)
    },
    onPointerMove(event: PointerEvent) {
      const pad = event.currentTarget as HTMLElement
      const point = pointIn(pad, event, extent)
      setPointer(event.pointerType === 'touch' ? null : point)
      if (event.pointerId !== drawing.current) return
      // Where the pointer was since the last frame. Only secure contexts tell.
      const passed = 'getCoalescedEvents' in event ? event.getCoalescedEvents() : []
      onMove([...passed.map((each) => pointIn(pad, each, extent)), point])
    },
    onPointerUp: (event: PointerEvent) => finish(event, onEnd),
    onPointerCancel: (event: PointerEvent) => finish(event, onCancel),
    onPointerLeave: () => setPointer(null),
  }
}
