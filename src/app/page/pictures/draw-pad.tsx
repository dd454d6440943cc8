import { useId, useState } from 'preact/hooks'
import { task } from '../../tasks/chosen-task.ts'
import { arrowSteps } from '../parts/arrow-steps.ts'
import type { Brush, Point } from './brush.ts'
import { isSame } from './drawing-history.ts'
import { GreyCanvas } from './grey-canvas.tsx'
import type { Picture } from './picture.ts'
import { useDrawing } from './use-drawing.ts'

type Drawing = ReturnType<typeof useDrawing>

/** A pixel of the pad, by column and row. */
interface Cell {
  readonly x: number
  readonly y: number
}

const [height, width] = task.inputShape

/** The number of the button that a pen's other end presses. */
const penEraserButton = 5

/** Draws a picture for the network, from nothing or from the picture shown: the prediction follows each stroke. */
export function DrawPad({
  picture,
  onPicture,
}: {
  /** What the page shows: a drawing can start from it. */
  picture: Picture | null
  onPicture: (picture: Picture) => void
}) {
  const drawing = useDrawing(picture, onPicture)
  const [tool, setTool] = useState<'paint' | 'erase'>('paint')
  const [diameter, setDiameter] = useState(2)
  const [brightness, setBrightness] = useState(80)
  const [fills, setFills] = useState(false)
  const [mirrors, setMirrors] = useState(false)
  const brush: Brush = {
    radius: diameter / 2,
    brightness: tool === 'erase' ? 0 : Math.round(brightness * 2.55),
    fills,
    mirrors,
  }

  return (
    <div class="draw-pad">
      <div class="draw-pad-parts">
        <Pad drawing={drawing} brush={brush} />
        <div class="draw-pad-tools">
          <fieldset class="draw-pad-choice">
            <legend class="visually-hidden">The brush</legend>
            {(['paint', 'erase'] as const).map((name) => (
              <label key={name} class="check">
                <input type="radio" name="brush" checked={tool === name} onChange={() => setTool(name)} />
                {name === 'paint' ? 'Paint' : 'Erase'}
              </label>
            ))}
          </fieldset>
          <Slider
            label="Brush size"
            unit={diameter === 1 ? 'pixel' : 'pixels'}
            range={[1, 8]}
            value={diameter}
            onChange={setDiameter}
          />
          <Slider
            label="Brightness"
            unit="%"
            range={[5, 100]}
            value={brightness}
            isOff={tool === 'erase'}
            onChange={setBrightness}
          />
          <div class="draw-pad-choice">
            <Check label="Fill what a stroke encloses" isOn={fills} onChange={setFills} />
            <Check label="Mirror" isOn={mirrors} onChange={setMirrors} />
          </div>
          <div class="draw-pad-buttons">
            <button type="button" disabled={!drawing.canUndo} onClick={drawing.undo}>
              Undo
            </button>
            <button type="button" disabled={!drawing.canRedo} onClick={drawing.redo}>
              Redo
            </button>
            <button type="button" disabled={drawing.isBlank} onClick={drawing.clear}>
              Clear
            </button>
          </div>
          <button
            type="button"
            disabled={!picture || isSame(picture.pixels, drawing.pixels)}
            onClick={() => picture && drawing.startFrom(picture)}
          >
            Start from the picture shown
          </button>
        </div>
      </div>
    </div>
  )
}

/** What is drawn on: by pointer, and by keys that move a cursor over its pixels. */
function Pad({ drawing, brush }: { drawing: Drawing; brush: Brush }) {
  const description = useId()
  const [cursor, setCursor] = useState<Cell>({ x: width >> 1, y: height >> 1 })
  const [isTold, setTold] = useState(false)
  const eraser: Brush = { ...brush, brightness: 0 }
  const { pointer, isDrawing, ...onPointer } = usePointer(drawing, brush, eraser, (cell, isFirst) => {
    setCursor(cell)
    if (isFirst) setTold(false)
  })
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || isDrawing) return
    if (event.ctrlKey || event.metaKey) {
      if (undoOrRedo(drawing, event)) event.preventDefault()
      return
    }
    const step = arrowSteps[event.key]
    if (step) {
      const next = cellAt({ x: cursor.x + step.x, y: cursor.y + step.y })
      if (event.shiftKey) {
        if (!drawing.isDrawing()) drawing.begin(brush, middleOf(cursor))
        drawing.drawTo([middleOf(next)])
      }
      setCursor(next)
    } else if (event.key === ' ' || event.key === 'Delete' || event.key === 'Backspace') {
      drawing.begin(event.key === ' ' ? brush : eraser, middleOf(cursor))
      drawing.end()
    } else return
    event.preventDefault()
    setTold(true)
  }

  const brightness = drawing.pixels[cursor.y * width + cursor.x] / 255
  return (
    <div class="draw-pad-picture">
      <div
        class="pad"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes keys of its own
        tabIndex={0}
        aria-label={`Drawing pad, ${height} by ${width} pixels`}
        aria-describedby={description}
        {...onPointer}
        onKeyDown={onKeyDown}
        onKeyUp={({ key }) => key === 'Shift' && !isDrawing && drawing.end()}
        onBlur={() => !isDrawing && drawing.end()}
      >
        <GreyCanvas pixels={drawing.pixels} />
        <span
          class="pad-cursor"
          aria-hidden="true"
          style={{
            left: share(cursor.x, width),
            top: share(cursor.y, height),
            width: share(1, width),
            height: share(1, height),
          }}
        />
        {pointer && <BrushRing at={pointer} diameter={2 * brush.radius} />}
        {pointer && brush.mirrors && (
          <BrushRing at={{ x: width - pointer.x, y: pointer.y }} diameter={2 * brush.radius} />
        )}
      </div>
      <p id={description} class="hint">
        With mouse, finger or pen; or by keys: arrows move, Space paints, Delete erases, Shift with arrows draws.
      </p>
      <p class="visually-hidden" role="status">
        {isTold && `Row ${cursor.y + 1}, column ${cursor.x + 1}: ${Math.round(brightness * 100)} % bright`}
      </p>
    </div>
  )
}

/** Draws with one pointer at a time: other fingers do nothing. */
function usePointer(
  drawing: Drawing,
  brush: Brush,
  eraser: Brush,
  /** Hears where it draws. */
  onCell: (cell: Cell, isFirst: boolean) => void,
) {
  /** Where the pointer is, while it shows where the brush would touch. */
  const [pointer, setPointer] = useState<Point | null>(null)
  const [drawingPointer, setDrawingPointer] = useState<number | null>(null)
  const onPointerDown = (event: PointerEvent) => {
    const isEraser = event.button === penEraserButton
    if (drawingPointer !== null || (event.button !== 0 && !isEraser)) return
    const pad = event.currentTarget as HTMLElement
    const point = pointIn(pad, event)
    pad.setPointerCapture(event.pointerId)
    setDrawingPointer(event.pointerId)
    onCell(cellAt(point), true)
    drawing.begin(isEraser ? eraser : brush, point)
  }
  const onPointerMove = (event: PointerEvent) => {
    const pad = event.currentTarget as HTMLElement
    const point = pointIn(pad, event)
    setPointer(event.pointerType === 'touch' ? null : point)
    if (event.pointerId !== drawingPointer) return
    // Where the pointer was since the last frame. Only secure contexts tell.
    const passed = 'getCoalescedEvents' in event ? event.getCoalescedEvents() : []
    drawing.drawTo([...passed.map((each) => pointIn(pad, each)), point])
    onCell(cellAt(point), false)
  }
  const onPointerEnd = (event: PointerEvent) => {
    if (event.pointerId !== drawingPointer) return
    setDrawingPointer(null)
    drawing.end()
  }
  return {
    pointer,
    isDrawing: drawingPointer !== null,
    onPointerDown,
    onPointerMove,
    onPointerUp: onPointerEnd,
    onPointerCancel: onPointerEnd,
    onPointerLeave: () => setPointer(null),
  }
}

/** @returns whether these keys, pressed with Ctrl or Cmd, mean either */
function undoOrRedo(drawing: Drawing, { key, shiftKey }: KeyboardEvent): boolean {
  const letter = key.toLowerCase()
  if (letter === 'z' && !shiftKey) drawing.undo()
  else if (letter === 'y' || letter === 'z') drawing.redo()
  else return false
  return true
}

/** Where the brush would touch. */
function BrushRing({ at, diameter }: { at: Point; diameter: number }) {
  return (
    <span
      class="pad-brush"
      aria-hidden="true"
      style={{
        left: share(at.x, width),
        top: share(at.y, height),
        width: share(diameter, width),
        height: share(diameter, height),
      }}
    />
  )
}

function Slider({
  label,
  unit,
  range: [least, most],
  value,
  isOff = false,
  onChange,
}: {
  label: string
  unit: string
  range: readonly [number, number]
  value: number
  isOff?: boolean
  onChange: (value: number) => void
}) {
  return (
    <label>
      <span class="draw-pad-value">
        {label} <span class="number">{`${value} ${unit}`}</span>
      </span>
      <input
        type="range"
        min={least}
        max={most}
        value={value}
        disabled={isOff}
        aria-valuetext={`${value} ${unit}`}
        onInput={({ currentTarget }) => onChange(currentTarget.valueAsNumber)}
      />
    </label>
  )
}

function Check({ label, isOn, onChange }: { label: string; isOn: boolean; onChange: (isOn: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={isOn} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />
      {label}
    </label>
  )
}

/** Pixels of the picture as a share of the pad's height or width, whatever its size on the screen. */
function share(pixels: number, extent: number): string {
  return `${(pixels / extent) * 100}%`
}

function pointIn(pad: HTMLElement, { clientX, clientY }: MouseEvent): Point {
  const shown = pad.getBoundingClientRect()
  return { x: ((clientX - shown.left) / shown.width) * width, y: ((clientY - shown.top) / shown.height) * height }
}

/** The pixel a point lies in; of a point beyond the picture, the nearest. */
function cellAt({ x, y }: Point): Cell {
  const within = (place: number, extent: number) => Math.min(extent - 1, Math.max(0, Math.floor(place)))
  return { x: within(x, width), y: within(y, height) }
}

function middleOf({ x, y }: Cell): Point {
  return { x: x + 0.5, y: y + 0.5 }
}
