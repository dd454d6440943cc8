import { interpolatePiYG } from 'd3-scale-chromatic'
import { check, finiteNumber, numberFrom, thatIs } from '../../engine/arguments.ts'
import type { SegmentWeight } from '../fit/surrogate.ts'
import type { Image } from '../images/image.ts'
import { type Attribution, anAttribution } from './attribution.ts'

/**
 * Pictures of weights: green for what speaks for a label, magenta for what speaks against it, nearly white for what does neither
 * (ColorBrewer's PiYG, which people with any of the common colour blindnesses tell apart).
 */

/**
 * The end of a colour scale is no smaller than this share of the probability: what hardly matters must not be painted as loudly
 * as what decides.
 */
const leastLimit = 0.1

const anyWeights = thatIs<readonly SegmentWeight[]>(
  'weights, [segment, weight] each',
  (value) => Array.isArray(value) && value.every((pair) => Array.isArray(pair) && Number.isFinite(pair[1])),
)

/**
 * The end of the colour scale of these weights, on both sides, so that 0 is white: the largest |weight|, but a tenth at least.
 * @param least in place of that tenth, where weights are of something else than probabilities: 0 for the largest whatever it is
 */
export function weightLimit(weights: readonly SegmentWeight[], least: number = leastLimit): number {
  check('weightLimit', anyWeights, weights, 'weights')
  check('weightLimit', numberFrom(0), least, 'least')
  // A scale has a length, even where all weights are 0.
  return Math.max(least, Math.abs(weights.at(0)?.[1] ?? 0)) || leastLimit
}

/** Red, green and blue, 0 to 255. */
type Colour = readonly [red: number, green: number, blue: number]

/** The colour of a weight's share of the limit, -1 to 1: red, green and blue, 0 to 255. */
export function weightColour(share: number): readonly [number, number, number] {
  check('weightColour', finiteNumber, share, 'share')
  const [red, green, blue] = interpolatePiYG(0.5 + Math.max(-1, Math.min(1, share)) / 2)
    .replace(/[^\d,.]/g, '')
    .split(',')
    .map((part) => Math.round(Number(part)))
  return [red, green, blue]
}

/** Each pixel's weight, [H*W]: that of its segment, 0 where the surrogate does not use it. */
export function weightMap(explanation: Attribution, label: number): Float64Array {
  check('weightMap', anAttribution, explanation, 'explanation')
  const weights = new Map(explanation.weightsOf(label))
  return Float64Array.from(explanation.segments.data, (segment) => weights.get(segment) ?? 0)
}

/**
 * The weights alone, in colour. @returns [H, W, 3] bytes
 * @param least of the scale's end: see weightLimit
 * @throws ArgumentError for a label that was not explained
 */
export function heatmap(explanation: Attribution, label: number, least?: number): Image {
  // A segment's pixels have one colour, which takes far longer to make than to paint.
  const colours = new Map<number, Colour>()
  return painted(explanation, label, least, (share) => {
    const known = colours.get(share)
    if (known) return known
    const colour = weightColour(share)
    colours.set(share, colour)
    return colour
  })
}

/**
 * The image in grey, tinted by the weights: the more, the larger a weight is. @returns [H, W, 3] bytes
 * @param least of the scale's end: see weightLimit
 * @throws ArgumentError for a label that was not explained
 */
export function overlay(explanation: Attribution, label: number, least?: number): Image {
  check('overlay', anAttribution, explanation, 'explanation')
  const { image } = explanation
  const scale = image.data instanceof Uint8Array ? 1 : 255
  const { data } = image
  return painted(explanation, label, least, (share, pixel) => {
    const at = 3 * pixel
    return tintOf(scale * (0.2125 * data[at] + 0.7154 * data[at + 1] + 0.0721 * data[at + 2]), share)
  })
}

/** Green for, magenta against: the ends of ColorBrewer's PiYG of five colours. */
const forColour = [0x4d, 0xac, 0x26] as const
const againstColour = [0xd0, 0x1c, 0x8b] as const

/** How much of a pixel the colour at the scale's end takes. */
const strongestTint = 0.8

/**
 * A pixel's colour under its segment's weight. @param grey 0 to 255
 * @param share weight / weightLimit, -1 to 1
 */
export function tinted(grey: number, share: number): readonly [number, number, number] {
  check('tinted', finiteNumber, grey, 'grey')
  check('tinted', finiteNumber, share, 'share')
  return tintOf(grey, share)
}

function tintOf(grey: number, share: number): Colour {
  const colour = share < 0 ? againstColour : forColour
  const amount = Math.abs(share) * strongestTint
  // The tint keeps some of the picture's own light, so that what is seen stays visible in it.
  const light = 0.65 + (0.35 * grey) / 255
  const mix = (c: number) => Math.round(grey * (1 - amount) + colour[c] * light * amount)
  return [mix(0), mix(1), mix(2)]
}

function painted(
  explanation: Attribution,
  label: number,
  least: number | undefined,
  colourOf: (share: number, pixel: number) => Colour,
): Image {
  check('heatmap', anAttribution, explanation, 'explanation')
  const { height, width } = explanation.image
  const limit = weightLimit(explanation.weightsOf(label), least)
  const data = new Uint8Array(height * width * 3)
  weightMap(explanation, label).forEach((weight, pixel) => {
    const [red, green, blue] = colourOf(weight / limit, pixel)
    data[3 * pixel] = red
    data[3 * pixel + 1] = green
    data[3 * pixel + 2] = blue
  })
  return { data, shape: [height, width, 3], height, width, channels: 3 }
}
