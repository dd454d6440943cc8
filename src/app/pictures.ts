import type { Explanation, Image } from '../lime/index.ts'
import { markBoundaries } from '../lime/index.ts'
import { encodePng } from './data/png.ts'

/** Which evidence a picture shows: what speaks for the label, or what speaks against it. */
export type Evidence = 'positive' | 'negative'

/** Names of the four panels, from left to right. */
export const panelTitles = ['Original', 'Image', 'Mask', 'Image with boundaries'] as const

/** The two ends of viridis: what matplotlib shows a mask of 0 and 1 in. */
const maskColours = [
  [0.267, 0.005, 0.329],
  [0.993, 0.906, 0.144],
] as const

/** Small images are enlarged until their side has about this many pixels. */
const panelExtent = 280
const gap = 0.04

/**
 * The tutorial's picture of an explanation, as PNG: the original, the segments that count (the rest hidden), their mask,
 * and the segments' boundaries, side by side on white, each pixel enlarged to a square.
 */
export function fourPanels(explanation: Explanation, label: number, evidence: Evidence): Uint8Array {
  const { image: kept, mask } = explanation.getImageAndMask(label, {
    positiveOnly: evidence === 'positive',
    negativeOnly: evidence === 'negative',
    hideRest: true,
  })
  const { height, width } = explanation.image
  const maskPixels = Float64Array.from(
    { length: height * width * 3 },
    (_, i) => maskColours[mask.data[Math.floor(i / 3)] ? 1 : 0][i % 3],
  )
  const boundaries = markBoundaries(kept, mask, { color: [0, 1, 0] })
  const panels: Image[] = [explanation.image, kept, { ...kept, data: maskPixels }, boundaries]
  const scale = Math.max(1, Math.round(panelExtent / Math.max(height, width)))
  return encodePng(sideBySide(panels), { scale })
}

function sideBySide(panels: readonly Image[]): { data: Float64Array; height: number; width: number; channels: 3 } {
  const { height, width } = panels[0]
  const margin = Math.max(1, Math.round(width * gap))
  const whole = { height: height + 2 * margin, width: panels.length * (width + margin) + margin }
  const data = new Float64Array(whole.height * whole.width * 3).fill(1)
  panels.forEach((panel, index) => {
    const left = margin + index * (width + margin)
    for (let y = 0; y < height; y++)
      for (let i = 0; i < width * 3; i++)
        data[((y + margin) * whole.width + left) * 3 + i] = panel.data[y * width * 3 + i]
  })
  return { data, ...whole, channels: 3 }
}
