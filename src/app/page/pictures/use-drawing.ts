import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { task } from '../../tasks/chosen-task.ts'
import { type Brush, Stroke } from './brush.ts'
import { advance, type DrawingHistory, isSame, redo, startHistory, undo } from './drawing-history.ts'
import type { Point } from './lines.ts'
import type { Picture } from './picture.ts'

const [height, width] = task.inputShape
const blank = new Uint8Array(height * width)

/**
 * A drawing in the making. Whatever happens to it shows with the next frame; what then differs from the picture shown
 * on the page is told to `onPicture`, so at most once a frame, however fast a pen is.
 */
export function useDrawing(picture: Picture | null, onPicture: (picture: Picture) => void) {
  const history = useRef(startHistory<Uint8Array>(blank))
  const stroke = useRef<Stroke | null>(null)
  const frame = useRef<number | null>(null)
  const outside = useRef({ picture, onPicture })
  outside.current = { picture, onPicture }
  const [shown, setShown] = useState(history.current)

  const showWithNextFrame = useCallback(() => {
    frame.current ??= requestAnimationFrame(() => {
      frame.current = null
      const { current } = history
      const pixels = stroke.current?.pixels() ?? current.now
      setShown({ ...current, now: pixels })
      const known = outside.current.picture
      if (!known || !isSame(pixels, known.pixels))
        outside.current.onPicture({ pixels, name: 'Drawing', trueLabel: null, index: null })
    })
  }, [])
  useEffect(() => () => cancelAnimationFrame(frame.current ?? 0), [])

  const change = useCallback(
    (step: (before: DrawingHistory<Uint8Array>) => DrawingHistory<Uint8Array>) => {
      if (stroke.current) history.current = advance(history.current, stroke.current.pixels(), isSame)
      stroke.current = null
      history.current = step(history.current)
      showWithNextFrame()
    },
    [showWithNextFrame],
  )
  /** Ends the stroke, if there is one: from here on it can be undone. */
  const end = useCallback(() => stroke.current && change((before) => before), [change])
  const drawTo = useCallback(
    (points: readonly Point[]) => {
      for (const point of points) stroke.current?.to(point)
      if (stroke.current) showWithNextFrame()
    },
    [showWithNextFrame],
  )
  const begin = useCallback(
    (brush: Brush, point: Point) => {
      end()
      stroke.current = new Stroke(history.current.now, brush)
      drawTo([point])
    },
    [end, drawTo],
  )

  return {
    /** The picture with the stroke that is being drawn, [height * width]. */
    pixels: shown.now,
    isBlank: isSame(shown.now, blank),
    canUndo: shown.past.length > 0,
    canRedo: shown.undone.length > 0,
    /** Whether a stroke is being drawn: asked when a key or a pointer does something. */
    isDrawing: () => stroke.current !== null,
    begin,
    drawTo,
    end,
    undo: () => change(undo),
    redo: () => change(redo),
    clear: () => change((before) => advance(before, blank, isSame)),
    startFrom: ({ pixels }: Picture) => change((before) => advance(before, pixels, isSame)),
  }
}
