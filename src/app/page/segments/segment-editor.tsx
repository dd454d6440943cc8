import { useEffect, useId, useMemo, useState } from 'preact/hooks'
import type { LabelMap } from '../../../lime/index.ts'
import { Slider } from '../parts/slider.tsx'
import type { Point } from '../pictures/lines.ts'
import { cellAt } from '../pictures/pointing.ts'
import { isRedo, isUndo } from '../pictures/undo-keys.ts'
import { brushed, lassoed, lengthened } from './areas.ts'
import { SegmentFiles } from './segment-files.tsx'
import { SegmentPad } from './segment-pad.tsx'
import { cut, drawn, idsLeft, joined, merged, restJoined, split } from './segmentation.ts'
import { type ToolName, toolOfKey, tools } from './tools.ts'
import { useSegmentation } from './use-segmentation.ts'

/** Edits the segments of a picture: draws new ones, makes them larger, cuts, splits and merges them, with a way back. */
export function SegmentEditor({
  picture,
  segments,
  automatic,
  fileName = 'segments.png',
  onChange,
}: {
  /** What is worked on. It may have more pixels than the map, which lies stretched over it. */
  picture: ImageData
  segments: LabelMap
  /** As a segmenter made them, of the same size: one can start afresh from these. */
  automatic: LabelMap
  /** Of what is saved. */
  fileName?: string
  /** Hears of each change. The editor shows what comes back as `segments`; anything else than it said begins a new history. */
  onChange: (segments: LabelMap) => void
}) {
  const [height, width] = segments.shape
  const extent = useMemo(() => ({ height, width }), [height, width])
  const keys = useId()
  const longerSide = Math.max(height, width)
  const editing = useSegmentation(segments, automatic, onChange)
  const [tool, setTool] = useState<ToolName>('lasso')
  const [diameter, setDiameter] = useState(Math.max(1, Math.round(longerSide / 16)))
  const [isNew, setNew] = useState(true)
  /** What is merged with the segments pressed next. */
  const [chosen, setChosen] = useState<number | null>(null)
  const { now, edit } = editing
  useEffect(() => {
    if (chosen !== null && !now.labels.includes(chosen)) setChosen(null)
  }, [now, chosen])

  const take = (name: ToolName) => {
    setTool(name)
    setChosen(null)
  }
  const onLine = (points: readonly Point[]) => {
    if (tool === 'cut') {
      const line = brushed(lengthened(points, longerSide / 25), 1, extent)
      return edit((before) => cut(before, line, extent))
    }
    const area = tool === 'brush' ? brushed(points, diameter, extent) : lassoed(points, extent)
    const { x, y } = cellAt(points[0], extent)
    edit((before) => (isNew ? drawn(before, area) : joined(before, area, before.labels[y * width + x])))
  }
  const onPress = (segment: number) => {
    if (tool === 'split') return edit((before) => split(before, segment, extent))
    if (chosen !== null && chosen !== segment) return edit((before) => merged(before, segment, chosen))
    setChosen(chosen === null ? segment : null)
    editing.say(chosen === null ? `Segment ${segment} is chosen: press those that are to join it.` : 'None is chosen.')
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const named = toolOfKey(event)
    if (isUndo(event)) editing.undo()
    else if (isRedo(event)) editing.redo()
    else if (named) take(named)
    else return
    event.preventDefault()
  }

  const isLine = tool === 'lasso' || tool === 'brush'
  return (
    <fieldset class="segment-editor" onKeyDown={onKeyDown}>
      <legend class="visually-hidden">The picture’s segments</legend>
      <fieldset class="segment-choice">
        <legend>Tool</legend>
        {tools.map(({ name, title, key }) => (
          <label key={name} class="check">
            <input
              type="radio"
              name={`tool-${keys}`}
              aria-keyshortcuts={key}
              checked={tool === name}
              onChange={() => take(name)}
            />
            {title} <span class="segment-key">{key}</span>
          </label>
        ))}
      </fieldset>
      <SegmentPad
        picture={picture}
        segmentation={now}
        extent={extent}
        draws={tool === 'split' || tool === 'merge' ? null : tool}
        diameter={diameter}
        chosen={chosen}
        describedBy={keys}
        onLine={onLine}
        onPress={onPress}
        onEscape={() => setChosen(null)}
      />
      <p class="segment-says" role="status">
        {editing.says}
      </p>
      <div class="segment-buttons">
        <button type="button" disabled={!editing.canUndo} onClick={editing.undo}>
          Undo
        </button>
        <button type="button" disabled={!editing.canRedo} onClick={editing.redo}>
          Redo
        </button>
        <button type="button" disabled={idsLeft(now).length < 2} onClick={() => edit(restJoined)}>
          Join what is left
        </button>
        <button type="button" disabled={!editing.canStartAfresh} onClick={editing.startAfresh}>
          Start afresh
        </button>
      </div>
      <SegmentFiles segments={segments} fileName={fileName} onOpen={editing.open} onProblem={editing.say} />
      <p class="hint">{tools.find(({ name }) => name === tool)?.use}</p>
      {isLine && (
        <fieldset class="segment-choice">
          <legend>What is drawn</legend>
          {[true, false].map((isThis) => (
            <label key={isThis} class="check">
              <input type="radio" name={`drawn-${keys}`} checked={isNew === isThis} onChange={() => setNew(isThis)} />
              {isThis ? 'is a new segment' : 'joins the segment it begins in'}
            </label>
          ))}
        </fieldset>
      )}
      {tool === 'brush' && (
        <Slider
          label="Brush size"
          unit={diameter === 1 ? 'pixel' : 'pixels'}
          range={[1, Math.max(2, Math.round(longerSide / 4))]}
          value={diameter}
          onChange={setDiameter}
        />
      )}
      <p id={keys} class="hint segment-keys">
        By keys: arrows move, with Shift further; Page Up and Page Down go from segment to segment.{' '}
        {tool === 'split' || tool === 'merge'
          ? 'Enter presses the segment.'
          : 'Enter sets a point of the line, Enter once more ends it; Backspace takes the last back, Escape all.'}
      </p>
    </fieldset>
  )
}
