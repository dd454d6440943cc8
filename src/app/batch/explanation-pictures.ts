import {
  type Attribution,
  heatmap,
  type Image,
  markBoundaries,
  overlay,
  tinted,
  weightColour,
  weightLimit,
} from '../../lime/index.ts'
import { encodePng } from '../pictures/encode-png.ts'

/** Which segments a picture shows: those that speak for the label, or against it. */
export type EvidenceSign = 'positive' | 'negative'

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
 * The tutorial's picture of an attribution, as PNG: the original, the segments that count (the rest hidden), their mask,
 * and the segments' boundaries, side by side on white, each pixel enlarged to a square.
 */
export function fourPanels(attribution: Attribution, label: number, sign: EvidenceSign): Uint8Array {
  const { image: kept, mask } = attribution.getImageAndMask(label, {
    positiveOnly: sign === 'positive',
    negativeOnly: sign === 'negative',
    hideRest: true,
  })
  const { height, width } = attribution.image
  const maskPixels = Float64Array.from(
    { length: height * width * 3 },
    (_, i) => maskColours[mask.data[Math.floor(i / 3)] ? 1 : 0][i % 3],
  )
  const boundaries = markBoundaries(kept, mask, { color: [0, 1, 0] })
  const panels: Image[] = [attribution.image, kept, { ...kept, data: maskPixels }, boundaries]
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

/** A picture of weights: alone, or on the image. */
export type WeightPicture = 'heatmap' | 'overlay'

const painters = { heatmap, overlay } as const
/** What a share of the scale's end looks like in them; on the image, where it is of middle grey. */
const legends = { heatmap: weightColour, overlay: (share: number) => tinted(0x6b, share) } as const

/** The weights of a label in colour, as PNG, each pixel enlarged to a square. @param least of the scale's end: see weightLimit */
export function weightsPng(
  attribution: Attribution,
  label: number,
  picture: WeightPicture,
  least?: number,
): Uint8Array {
  return encodePng(unit(painters[picture](attribution, label, least)), { scale: pictureScale(attribution) })
}

/** The image, each pixel enlarged to a square, with the segments' boundaries as fine yellow lines between them, as PNG. */
export function boundariesPng({ image, segments }: Attribution): Uint8Array {
  const scale = pictureScale({ image })
  const { data } = unit(image)
  const [height, width] = [image.height * scale, image.width * scale]
  const pixelOf = (i: number) => Math.floor(i / width / scale) * image.width + Math.floor((i % width) / scale)
  const enlarged = Float64Array.from(
    { length: height * width * 3 },
    (_, i) => data[3 * pixelOf(Math.floor(i / 3)) + (i % 3)],
  )
  // Boundaries lie between labels, and 0 would be background.
  const labels = Int32Array.from({ length: height * width }, (_, i) => segments.data[pixelOf(i)] + 1)
  const marked = markBoundaries({ data: enlarged, shape: [height, width, 3] }, { data: labels, shape: [height, width] })
  return encodePng({ height, width, channels: 3, data: Float64Array.from(marked.data as Float64Array) })
}

function pictureScale({ image }: Pick<Attribution, 'image'>): number {
  return Math.max(1, Math.round(panelExtent / Math.max(image.height, image.width)))
}

/** Values from 0 to 1. */
function unit({ data, height, width }: Image) {
  return { data: data instanceof Uint8Array ? ofBytes(data) : data, height, width, channels: 3 }
}

/** By a loop: pictures have millions of values, and a function for each takes ten times as long. */
function ofBytes(bytes: Uint8Array): Float64Array {
  const values = new Float64Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) values[i] = bytes[i] / 255
  return values
}

const legendWidth = 14
const legendSteps = 32

/**
 * The weights of a label in colour with a legend that says how much a colour stands for, as SVG text. The picture in it is
 * an embedded PNG.
 * @param title what it shows, for people who hear it instead
 */
export function weightsSvg(
  attribution: Attribution,
  label: number,
  picture: WeightPicture,
  title: string,
  least?: number,
): string {
  const { height, width } = attribution.image
  const scale = pictureScale(attribution)
  const [pictureHeight, pictureWidth] = [height * scale, width * scale]
  const margin = 12
  const limit = weightLimit(attribution.weightsOf(label), least)
  const barLeft = margin + pictureWidth + margin
  const step = pictureHeight / legendSteps
  const bar = Array.from({ length: legendSteps }, (_, i) => {
    const [red, green, blue] = legends[picture](1 - (2 * (i + 0.5)) / legendSteps)
    return `<rect x="${barLeft}" y="${margin + i * step}" width="${legendWidth}" height="${step + 0.5}" fill="rgb(${red},${green},${blue})"/>`
  })
  const mark = (share: number) => {
    const y = margin + ((1 - share) / 2) * pictureHeight
    const value = share === 0 ? '0' : `${share < 0 ? '−' : '+'}${limit.toPrecision(2)}`
    return `<line x1="${barLeft + legendWidth}" x2="${barLeft + legendWidth + 4}" y1="${y}" y2="${y}" stroke="#333"/><text x="${barLeft + legendWidth + 8}" y="${y}" dy="0.32em">${value}</text>`
  }
  const wholeWidth = barLeft + legendWidth + 72
  const wholeHeight = pictureHeight + 2 * margin
  const bytes = weightsPng(attribution, label, picture, least)
  const png = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${wholeWidth} ${wholeHeight}" width="${wholeWidth}" height="${wholeHeight}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#222">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${wholeWidth}" height="${wholeHeight}" fill="#fff"/>`,
    `<image x="${margin}" y="${margin}" width="${pictureWidth}" height="${pictureHeight}" href="data:image/png;base64,${png}" style="image-rendering:pixelated"/>`,
    ...bar,
    `<rect x="${barLeft}" y="${margin}" width="${legendWidth}" height="${pictureHeight}" fill="none" stroke="#999"/>`,
    ...[1, 0, -1].map(mark),
    '</svg>',
    '',
  ].join('\n')
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}
