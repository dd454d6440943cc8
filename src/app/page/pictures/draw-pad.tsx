import { useId, useState } from 'preact/hooks'
import { task } from '../../tasks/chosen-task.ts'
import { arrowSteps } from '../parts/arrow-steps.ts'
import { Slider } from '../parts/slider.tsx'
import type { Brush } from './brush.ts'
import { BrushRing } from './brush-ring.tsx'
import { isSame } from './drawing-history.ts'
import { GreyCanvas } from './grey-canvas.tsx'
import type { Picture } from './picture.ts'
import { type Cell, cellAt, middleOf, share } from './pointing.ts'
import { isRedo, isUndo } from './undo-keys.ts'
import { useDrawing } from './use-drawing.ts'
import { usePen } from './use-pen.ts'

type Drawing = ReturnType<typeof useDrawing>

const [height, width] = task.inputShape
const extent = { height, width }

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
  const { pointer, isDrawing, ...onPointer } = usePen(extent, {
    onBegin(point, isEraser) {
      setCursor(cellAt(point, extent))
      setTold(false)
      drawing.begin(isEraser ? eraser : brush, point)
    },
    onMove(points) {
      setCursor(cellAt(points[points.length - 1], extent))
      drawing.drawTo(points)
    },
    onEnd: drawing.end,
    onCancel: drawing.end,
  })
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || isDrawing) return
    if (event.ctrlKey || event.metaKey) {
      if (isUndo(event)) drawing.undo()
      else if (isRedo(event)) drawing.redo()
      else return
      return event.preventDefault()
    }
    const step = arrowSteps[event.key]
    if (step) {
      const next = cellAt({ x: cursor.x + step.x, y: cursor.y + step.y }, extent)
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
        {pointer && <BrushRing at={pointer} diameter={2 * brush.radius} extent={extent} />}
        {pointer && brush.mirrors && (
          <BrushRing at={{ x: width - pointer.x, y: pointer.y }} diameter={2 * brush.radius} extent={extent} />
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

function Check({ label, isOn, onChange }: { label: string; isOn: boolean; onChange: (isOn: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={isOn} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />
      {label}
    </label>
  )
}
