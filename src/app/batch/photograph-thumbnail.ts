import { overlay } from '../../lime/index.ts'
import type { ExplainedPhotograph } from '../photographs/explain-photograph.ts'
import { shownOnPhotograph } from '../photographs/on-photograph.ts'
import { encodePng } from '../pictures/encode-png.ts'
import { saysValues } from '../tasks/answers.ts'

/** Pixels a side, at most. */
const side = 280
const gap = 4

/** A photograph, and beside it what speaks for and against the first class that was explained, as PNG. */
export function photographThumbnail(explained: ExplainedPhotograph): Uint8Array {
  const shown = shownOnPhotograph(explained, side)
  const painted = overlay(shown, explained.attribution.labels[0], saysValues(explained.photograph.task) ? 0 : undefined)
  const { height, width } = shown.image
  const whole = 2 * width + gap
  const data = new Float32Array(height * whole * 3).fill(1)
  for (let y = 0; y < height; y++) {
    const row = (image: ArrayLike<number>, scale: number, left: number) => {
      for (let i = 0; i < 3 * width; i++) data[(y * whole + left) * 3 + i] = image[y * width * 3 + i] * scale
    }
    row(shown.image.data, 1, 0)
    row(painted.data, 1 / 255, width + gap)
  }
  return encodePng({ data, height, width: whole, channels: 3 })
}
