import { useMemo, useState } from 'preact/hooks'
import { type LabelMap, scaledLabelMap } from '../../../lime/index.ts'
import type { PhotographResult } from '../contract/photograph-api.ts'
import { FileButton } from '../parts/file-button.tsx'
import { loadStyle } from '../parts/load-style.ts'
import { loadedWhenShown } from '../parts/loaded-when-shown.tsx'
import segmentStyles from '../segments/segments.css?url'
import { messageOf } from '../worker/use-engine.ts'
import { savedSegments } from './saved-segments.ts'

const SegmentEditor = loadedWhenShown(async () => {
  const [{ SegmentEditor }] = await Promise.all([import('../segments/segment-editor.tsx'), loadStyle(segmentStyles)])
  return SegmentEditor
})

/** The parts that are hidden and shown, as somebody draws them: on what the network sees of the photograph. */
export function OwnSegments({
  result,
  automatic,
  own,
  onOwn,
  onProblem,
}: {
  /** An explanation of the photograph. */
  result: PhotographResult
  /** Its segments as they were before anybody drew. */
  automatic: LabelMap
  /** null: nobody has drawn yet. */
  own: LabelMap | null
  onOwn: (own: LabelMap) => void
  onProblem: (problem: string | null) => void
}) {
  /** Once opened, the editor stays: it holds its undo steps. */
  const [hasOpened, setOpened] = useState(false)
  const picture = useMemo(() => partOf(result), [result])
  const load = async (file: File) => {
    try {
      const saved = savedSegments(await file.text())
      onOwn(scaledLabelMap(saved, ...automatic.shape))
      onProblem(null)
    } catch (error) {
      onProblem(`${file.name} holds no segments: ${messageOf(error)}`)
    }
  }
  return (
    <details class="drawing own-segments" onToggle={({ currentTarget: { open } }) => setOpened((has) => has || open)}>
      <summary>
        Draw the parts yourself{' '}
        <span class="hint">{own ? 'yours are explained' : 'what belongs together, you know best'}</span>
      </summary>
      {hasOpened && (
        <>
          <SegmentEditor
            picture={picture}
            segments={isFitting(own, automatic) ? own : automatic}
            automatic={automatic}
            onChange={onOwn}
          />
          <p class="hint">
            Then press “Explain again”. What you drew is saved with the explanation (JSON).{' '}
            <FileButton
              title="Take the segments of a saved explanation…"
              label="A saved explanation"
              accept=".json"
              onFiles={([file]) => load(file)}
            />
          </p>
        </>
      )}
    </details>
  )
}

/** What the network sees of the photograph. */
function partOf({ pixels: { data, width }, region: { top, left, bottom, right } }: PhotographResult): ImageData {
  const part = new ImageData(right - left, bottom - top)
  for (let y = top; y < bottom; y++)
    part.data.set(data.subarray(4 * (y * width + left), 4 * (y * width + right)), 4 * (y - top) * (right - left))
  return part
}

/** Another network's part of the photograph may have other proportions. */
function isFitting(own: LabelMap | null, { shape }: LabelMap): own is LabelMap {
  return own?.shape.join() === shape.join()
}
