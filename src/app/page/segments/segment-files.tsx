import { useState } from 'preact/hooks'
import { LimelightError } from '../../../engine/errors.ts'
import { type LabelMap, scaledLabelMap } from '../../../lime/index.ts'
import { FileButton } from '../parts/file-button.tsx'
import { saveFile } from '../parts/save-file.ts'

/** Segments to keep and to open again: a PNG whose pixels are their ids. */
export function SegmentFiles({
  segments,
  fileName,
  onOpen,
  onProblem,
}: {
  segments: LabelMap
  /** Of what is saved. */
  fileName: string
  /** Hears of a map of the same size as the segments. */
  onOpen: (labels: Int32Array) => void
  onProblem: (problem: string) => void
}) {
  /** A map of another size, until somebody says what is to become of it. */
  const [unfit, setUnfit] = useState<LabelMap | null>(null)
  const [height, width] = segments.shape

  const save = () =>
    telling(async () => {
      const { labelMapToPng } = await import('../../pictures/label-map-picture.ts')
      saveFile(new Blob([labelMapToPng(segments).slice()], { type: 'image/png' }), fileName)
    })
  const open = (file: File) =>
    telling(async () => {
      const { labelMapFromPng } = await import('../../pictures/label-map-picture.ts')
      const map = await labelMapFromPng(new Uint8Array(await file.arrayBuffer()))
      const isFit = map.shape[0] === height && map.shape[1] === width
      setUnfit(isFit ? null : map)
      if (isFit) onOpen(map.data)
    })
  /** What goes wrong by a file is no fault of the page. */
  const telling = (work: () => Promise<void>) =>
    work().catch((error: unknown) => {
      setUnfit(null)
      if (!(error instanceof LimelightError)) throw error
      onProblem(error.message)
    })

  return (
    <>
      <div class="segment-buttons">
        <button type="button" onClick={save}>
          Save segments
        </button>
        <FileButton
          title="Open segments…"
          label="Segments, as PNG"
          accept="image/png"
          onFiles={([file]) => open(file)}
        />
      </div>
      {unfit && (
        <div class="segment-unfit" role="alert">
          <p>
            The segments of this file have {unfit.shape[1]} × {unfit.shape[0]} pixels, those here {width} × {height}.
          </p>
          <div class="segment-buttons">
            <button
              type="button"
              onClick={() => {
                setUnfit(null)
                onOpen(scaledLabelMap(unfit, height, width).data)
              }}
            >
              Stretch them to fit
            </button>
            <button type="button" onClick={() => setUnfit(null)}>
              Leave them
            </button>
          </div>
        </div>
      )}
    </>
  )
}
