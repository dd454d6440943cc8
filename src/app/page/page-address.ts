import { classNames } from '../data/fashion-mnist.ts'
import { type ExplanationSettings, segmenterChoices } from './engine-api.ts'

/** What the page's address says: which test image, how it is explained. A copied link shows the same again. */
export interface View {
  /** The test image's number; null for a picture that no link can hold. */
  readonly image: number | null
  /** The class explained; null for the most probable. */
  readonly label: number | null
  readonly settings: ExplanationSettings
  /** Whether the explanation is shown. */
  readonly isExplained: boolean
}

/** More than this is of no use on one page: at 20,000 samples the weights hardly move any more. */
export const maxSamples = 20_000
export const maxSeed = 2 ** 32 - 1

export const firstView: View & { readonly image: number } = {
  image: 0,
  label: null,
  settings: { segmenter: 'auto', samples: 1000, seed: 123 },
  isExplained: false,
}

/** Names and values as the command's options have them. Where an address says what can't be, the first view's value stands. */
export function readAddress(search: string, imageCount: number): View & { readonly image: number } {
  const parameters = new URLSearchParams(search)
  const whole = (name: string, least: number, most: number): number | null => {
    const text = parameters.get(name) ?? ''
    const value = Number(text)
    return /^\d+$/.test(text) && value >= least && value <= most ? value : null
  }
  const { settings } = firstView
  const segmenter = segmenterChoices.find((choice) => choice === parameters.get('segmenter'))
  const word = parameters.get('samples')
  return {
    image: whole('index', 0, imageCount - 1) ?? firstView.image,
    label: whole('label', 0, classNames.length - 1),
    settings: {
      segmenter: segmenter ?? settings.segmenter,
      samples: word === 'auto' || word === 'exact' ? word : (whole('samples', 1, maxSamples) ?? settings.samples),
      seed: whole('seed', 0, maxSeed) ?? settings.seed,
    },
    isExplained: parameters.has('explain'),
  }
}

/** The address of a view, from its question mark on; empty for a picture that it can't hold. */
export function addressOf({ image, label, settings, isExplained }: View): string {
  if (image === null) return ''
  const parameters = new URLSearchParams({ index: String(image) })
  if (label !== null) parameters.set('label', String(label))
  parameters.set('segmenter', settings.segmenter)
  parameters.set('samples', String(settings.samples))
  parameters.set('seed', String(settings.seed))
  if (isExplained) parameters.set('explain', '')
  return `?${parameters}`
}
