import { samplingDesigns } from '../../../lime/index.ts'
import { type Fit, fits } from '../../photographs/framing.ts'
import { segmentedIn } from '../../photographs/photograph-segments.ts'
import { hiddenChoices } from './explanation-settings.ts'
import { maxSamples, maxSeed } from './page-address.ts'
import {
  type PhotographSettings,
  photographSegmenters,
  plainPhotographSettings,
  segmentCounts,
} from './photograph-settings.ts'
import { type PixelNumbers, pixelNumberNames, pixelNumbersAsText, pixelNumbersFrom } from './pixel-numbers.ts'
import type { Side } from './side.ts'

/**
 * What the page's address says about photographs: which network, which class, asked how; but no picture and no file: of one's own
 * there is only what they are known again by.
 */

/** One side's question. */
export interface PhotographAsked {
  /** null: none is chosen yet. */
  readonly network: string | null
  /** How it takes pixels, where somebody said it in numbers; null where not. */
  readonly pixels: PixelNumbers | null
  /** The class explained; null for the most probable. */
  readonly label: number | null
  readonly settings: PhotographSettings
  readonly isExplained: boolean
}

export interface PhotographPlace {
  /** A first picture's name, or what one's own is known again by. */
  readonly photograph: string
  readonly fit: Fit
  readonly left: PhotographAsked
  readonly right: PhotographAsked
}

const plainSide: PhotographAsked = {
  network: null,
  pixels: null,
  label: null,
  settings: plainPhotographSettings,
  isExplained: false,
}
/** What an address that says nothing shows. */
export const firstPlace: PhotographPlace = { photograph: 'coffee', fit: 'crop', left: plainSide, right: plainSide }

const prefixes: Readonly<Record<Side, string>> = { left: '', right: 'right-' }

export function readPhotographAddress(search: string): PhotographPlace {
  const parameters = new URLSearchParams(search)
  return {
    photograph: parameters.get('picture') ?? firstPlace.photograph,
    fit: fits.find((fit) => fit === parameters.get('fit')) ?? firstPlace.fit,
    left: readSide(parameters, prefixes.left),
    right: readSide(parameters, prefixes.right),
  }
}

function readSide(all: URLSearchParams, prefix: string): PhotographAsked {
  const get = (name: string) => all.get(prefix + name)
  const whole = (name: string, least: number, most: number): number | null => {
    const text = get(name) ?? ''
    const value = Number(text)
    return /^\d+$/.test(text) && value >= least && value <= most ? value : null
  }
  const plain = plainPhotographSettings
  return {
    network: get('network'),
    pixels: pixelNumbersFrom({ scale: get('scale') ?? '', mean: get('mean') ?? '', std: get('std') ?? '' }),
    // How many classes a network has is not known before it is opened.
    label: whole('label', 0, 1e6),
    settings: {
      segmenter: photographSegmenters.find((name) => name === get('segmenter')) ?? plain.segmenter,
      segments: whole('segments', segmentCounts.min, segmentCounts.max) ?? plain.segments,
      segmentedIn: segmentedIn.find((name) => name === get('segmented-in')) ?? plain.segmentedIn,
      samples: get('samples') === 'auto' ? 'auto' : (whole('samples', 1, maxSamples) ?? plain.samples),
      sampling: samplingDesigns.find((design) => design === get('sampling')) ?? plain.sampling,
      seed: whole('seed', 0, maxSeed) ?? plain.seed,
      hidden: hiddenChoices.find((choice) => choice === get('hide-color')) ?? plain.hidden,
    },
    isExplained: get('explain') !== null,
  }
}

/** From its question mark on. */
export function photographAddress(view: 'explain' | 'compare', place: PhotographPlace): string {
  const parameters = new URLSearchParams({ mode: 'photograph' })
  if (view === 'compare') parameters.set('view', view)
  parameters.set('picture', place.photograph)
  if (place.fit !== firstPlace.fit) parameters.set('fit', place.fit)
  writeSide(parameters, prefixes.left, place.left)
  if (view === 'compare') writeSide(parameters, prefixes.right, place.right)
  return `?${parameters}`
}

function writeSide(
  parameters: URLSearchParams,
  prefix: string,
  { network, pixels, label, settings, isExplained }: PhotographAsked,
): void {
  const set = (name: string, value: string | number) => parameters.set(prefix + name, String(value))
  const plain = plainPhotographSettings
  if (network !== null) set('network', network)
  const texts = pixelNumbersAsText(pixels)
  for (const name of pixelNumberNames) if (texts[name] !== '') set(name, texts[name])
  if (label !== null) set('label', label)
  if (settings.segmenter !== plain.segmenter) set('segmenter', settings.segmenter)
  if (settings.segments !== plain.segments) set('segments', settings.segments)
  if (settings.segmentedIn !== plain.segmentedIn) set('segmented-in', settings.segmentedIn)
  if (settings.samples !== plain.samples) set('samples', settings.samples)
  if (settings.sampling !== plain.sampling) set('sampling', settings.sampling)
  if (settings.seed !== plain.seed) set('seed', settings.seed)
  if (settings.hidden !== plain.hidden) set('hide-color', settings.hidden)
  if (isExplained) set('explain', '')
}
