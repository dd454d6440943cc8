import { useEffect, useState } from 'preact/hooks'
import { LimelightError } from '../../../engine/errors.ts'
import type { Fit } from '../../photographs/framing.ts'
import { labelMapFromPng } from '../../pictures/label-map-picture.ts'
import type { ResultRow } from '../../runs/result-row.ts'
import type { Pixels } from '../contract/photograph-api.ts'
import { messageOf } from '../worker/use-engine.ts'

/** What a row's evidence is painted on: its segments, over the picture where that is at hand. */
export interface RowPicture {
  readonly row: ResultRow
  /** [height * width] of the pixels. */
  readonly segments: Int32Array
  readonly pixels: Pixels
  /** Whether the pixels are the picture's; else they are of one grey. */
  readonly hasPicture: boolean
}

/** What is laid under the segments: a test image, grey from 0 to 255; or somebody's file. */
export type Underlay = Uint8Array | { readonly file: File; readonly fit: Fit }

/** Pixels on a side, about: so that lines between segments are thin, and a photograph is sharp. */
const extent = 448

/** The row's picture, made anew for each row and what is under it; the one before until then. */
export function useRowPicture(
  row: ResultRow | null,
  underlay: Underlay | null,
  onProblem: (problem: string) => void,
): RowPicture | null {
  const [known, setKnown] = useState<RowPicture | null>(null)
  useEffect(() => {
    if (!row) return
    let isOutdated = false
    rowPicture(row, underlay).then(
      (picture) => {
        if (!isOutdated) setKnown(picture)
      },
      (error) => {
        if (!isOutdated) onProblem(messageOf(error))
      },
    )
    return () => {
      isOutdated = true
    }
  }, [row, underlay, onProblem])
  return known
}

/** @returns null for a row without segments @throws FormatError for segments that can't be read; LimelightError for a picture that can't */
async function rowPicture(row: ResultRow, underlay: Underlay | null): Promise<RowPicture | null> {
  if (!row.segments) return null
  const map = await labelMapFromPng(row.segments)
  const [rows, columns] = map.shape
  const factor = Math.max(1, Math.floor(extent / Math.max(rows, columns)))
  const [height, width] = [rows * factor, columns * factor]
  const sourceOf = (pixel: number) =>
    Math.floor(pixel / width / factor) * columns + Math.floor((pixel % width) / factor)
  const segments = new Int32Array(height * width)
  for (let pixel = 0; pixel < segments.length; pixel++) segments[pixel] = map.data[sourceOf(pixel)]
  const grey = underlay instanceof Uint8Array && underlay.length === map.data.length ? underlay : null
  const file = underlay instanceof Uint8Array ? null : underlay
  const data = file ? await pixelsOfFile(file.file, file.fit, height, width) : new Uint8ClampedArray(4 * height * width)
  if (!file)
    for (let pixel = 0; pixel < segments.length; pixel++) {
      data.fill(grey ? grey[sourceOf(pixel)] : noPicture, 4 * pixel, 4 * pixel + 3)
      data[4 * pixel + 3] = 255
    }
  return { row, segments, pixels: { data, height, width }, hasPicture: grey !== null || file !== null }
}

const noPicture = 200

/** A picture as the network saw it, in more pixels: all of it squashed to its proportions, or its middle. */
async function pixelsOfFile(file: File, fit: Fit, height: number, width: number): Promise<Pixels['data']> {
  const bitmap = await createImageBitmap(file).catch((cause: unknown) => {
    throw new LimelightError(`${file.name} can't be laid under the segments: this browser can't read it`, { cause })
  })
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context) throw new LimelightError('this browser gives no canvas to paint on')
  // What is transparent lies on white.
  context.fillStyle = '#fff'
  context.fillRect(0, 0, width, height)
  const scale = Math.max(width / bitmap.width, height / bitmap.height)
  const [shownWidth, shownHeight] = fit === 'crop' ? [bitmap.width * scale, bitmap.height * scale] : [width, height]
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, (width - shownWidth) / 2, (height - shownHeight) / 2, shownWidth, shownHeight)
  bitmap.close()
  return context.getImageData(0, 0, width, height).data
}
