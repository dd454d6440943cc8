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
import { encodePng, levelsOf } from '../pictures/encode-png.ts'

/** Which segments a picture shows: those that speak for the label, or against it. */
export type EvidenceSign = 'positive' | 'negative'

/** Names of the four panels, from left to right. */
export const panelTitles = ['Original', 'Image', 'Mask', 'Image with boundaries'] as const

/** The two ends of viridis: what matplotlib shows a mask of 0 and 1 in. */
const maskColours = [
  [68, 1, 84],
  [253, 231, 37],
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
  const maskPixels = new Uint8Array(height * width * 3)
  mask.data.forEach((shown, pixel) => {
    maskPixels.set(maskColours[shown ? 1 : 0], 3 * pixel)
  })
  const boundaries = markBoundaries(kept, mask, { color: [0, 1, 0] })
  const panels: Image[] = [attribution.image, kept, { ...kept, data: maskPixels }, boundaries]
  const scale = Math.max(1, Math.round(panelExtent / Math.max(height, width)))
  return encodePng(sideBySide(panels), { scale })
}

function sideBySide(panels: readonly Image[]): { data: Uint8Array; height: number; width: number; channels: 3 } {
  const { height, width } = panels[0]
  const margin = Math.max(1, Math.round(width * gap))
  const whole = { height: height + 2 * margin, width: panels.length * (width + margin) + margin }
  const data = new Uint8Array(whole.height * whole.width * 3).fill(255)
  panels.forEach((panel, index) => {
    const levels = levelsOf(panel.data)
    const left = margin + index * (width + margin)
    for (let y = 0; y < height; y++)
      data.set(levels.subarray(3 * y * width, 3 * (y + 1) * width), 3 * ((y + margin) * whole.width + left))
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
  return encodePng(painters[picture](attribution, label, least), { scale: pictureScale(attribution) })
}

/** The image, each pixel enlarged to a square, with the segments' boundaries as fine yellow lines between them, as PNG. */
export function boundariesPng({ image, segments }: Attribution): Uint8Array {
  const scale = pictureScale({ image })
  const levels = levelsOf(image.data)
  const [height, width] = [image.height * scale, image.width * scale]
  const enlarged = new Uint8Array(height * width * 3)
  // Boundaries lie between labels, and 0 would be background.
  const labels = new Int32Array(height * width)
  for (let i = 0; i < labels.length; i++) {
    const pixel = Math.floor(i / width / scale) * image.width + Math.floor((i % width) / scale)
    enlarged.set(levels.subarray(3 * pixel, 3 * pixel + 3), 3 * i)
    labels[i] = segments.data[pixel] + 1
  }
  const marked = markBoundaries({ data: enlarged, shape: [height, width, 3] }, { data: labels, shape: [height, width] })
  return encodePng(marked)
}

function pictureScale({ image }: Pick<Attribution, 'image'>): number {
  return Math.max(1, Math.round(panelExtent / Math.max(image.height, image.width)))
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
  const png = base64(bytes)
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

/** Letters made at once: a call takes only so many. */
const lettersAtOnce = 2 ** 13

function base64(bytes: Uint8Array): string {
  let letters = ''
  for (let i = 0; i < bytes.length; i += lettersAtOnce)
    letters += String.fromCharCode(...bytes.subarray(i, i + lettersAtOnce))
  return btoa(letters)
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}
