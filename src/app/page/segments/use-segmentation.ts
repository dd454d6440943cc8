import { useMemo, useRef, useState } from 'preact/hooks'
import type { LabelMap } from '../../../lime/index.ts'
import { idsOfPixels } from '../../../lime/segmenters/label-map.ts'
import { count } from '../number-format.ts'
import { advance, type DrawingHistory, redo, startHistory, undo } from '../pictures/drawing-history.ts'
import { areasOf, type Edit, replaced, type Segmentation, segmentationOf } from './segmentation.ts'

/** What can be undone takes 64 MB at most, or eight steps where these take more. */
const mostKeptPixels = 2 ** 24

/** The segments of a picture as they are edited, the way back, and what the last step did. */
export function useSegmentation(segments: LabelMap, automatic: LabelMap, onChange: (segments: LabelMap) => void) {
  const labels = useMemo(() => idsOfPixels(segments), [segments])
  const automaticLabels = useMemo(() => idsOfPixels(automatic), [automatic])
  const start = () => {
    const most = Math.min(200, Math.max(8, Math.floor(mostKeptPixels / labels.length)))
    return startHistory(segmentationOf(labels, automaticLabels), most)
  }
  const history = useRef<DrawingHistory<Segmentation> | null>(null)
  history.current ??= start()
  // What the page shows is the truth: segments that come from elsewhere begin a history of their own.
  if (history.current.now.labels !== labels) history.current = start()
  const [says, setSays] = useState('')
  const { now, past, undone } = history.current

  const step = (to: DrawingHistory<Segmentation>, what: string) => {
    setSays(what)
    if (to === history.current) return
    history.current = to
    onChange({ data: to.now.labels, shape: segments.shape })
  }
  const edit = (change: (before: Segmentation) => Edit) => {
    const before = history.current ?? start()
    const { after, says } = change(before.now)
    step(advance(before, after), says)
  }
  const inAll = (of: DrawingHistory<Segmentation>) => `${count(areasOf(of.now.labels).size)} segments.`
  return {
    now,
    canUndo: past.length > 0,
    canRedo: undone.length > 0,
    /** What the last step did, or why it did nothing. */
    says,
    say: setSays,
    edit,
    /** Other segments take the place of all: those of a file. */
    open: (opened: Int32Array) => edit((before) => replaced(before, opened, automaticLabels)),
    canStartAfresh: now.labels !== automaticLabels,
    startAfresh: () => edit((before) => replaced(before, automaticLabels, automaticLabels)),
    undo() {
      const to = undo(history.current ?? start())
      step(to, `Undone: ${inAll(to)}`)
    },
    redo() {
      const to = redo(history.current ?? start())
      step(to, `Done again: ${inAll(to)}`)
    },
  }
}
