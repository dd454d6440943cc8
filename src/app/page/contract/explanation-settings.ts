import type { HideColor, MethodName, RequestInput } from '../../../lime/index.ts'
import type { SegmenterChoice } from './segmenter-parameters.ts'

/** How a picture is explained, in the words of the page's form and address; requestOf() says it in those of a request. */
export interface ExplanationSettings {
  readonly method: MethodName
  readonly segmenter: SegmenterChoice
  /** By scikit-image's names; null for the segmenter's own. */
  readonly parameters: Readonly<Record<string, number>> | null
  /** So many; as many as it takes until the order of the top segments is settled; or every mixture there is. */
  readonly samples: number | 'auto' | 'exact'
  /** Seeds the sampling and the segmenter. */
  readonly seed: number
  readonly kernelWidth: number
  readonly hidden: HiddenChoice
}

/** What hidden segments show: their own mean, one of what the library has a name for, black or white. */
export const hiddenChoices = ['segment', 'mean', 'blur', 'inpaint', 'noise', '0', '1'] as const
export type HiddenChoice = (typeof hiddenChoices)[number]

export type Sampling = 'number' | 'auto' | 'exact'

/** What the page says of a method, and which settings it has. */
interface MethodChoice {
  readonly title: string
  /** What its number for a segment is called. */
  readonly weight: string
  /** For those who have not seen one yet. */
  readonly idea: string
  readonly samplings: readonly Sampling[]
  readonly hasKernel: boolean
}

export const methodChoices: Readonly<Record<MethodName, MethodChoice>> = {
  lime: {
    title: 'LIME',
    weight: 'Weight',
    idea: 'LIME hides parts of the picture, again and again, and watches the probability of one class. The parts it misses most are what speaks for that class.',
    samplings: ['number', 'auto', 'exact'],
    hasKernel: true,
  },
  shapley: {
    title: 'Shapley values',
    weight: 'Shapley value',
    idea: 'Parts of the picture are shown one after another, in many orders. What a part adds to the probability of one class, on average over the orders, is its Shapley value.',
    samplings: ['number', 'exact'],
    hasKernel: false,
  },
}

export const methodNames: readonly MethodName[] = ['lime', 'shapley']

export function samplingOf(samples: ExplanationSettings['samples']): Sampling {
  return typeof samples === 'number' ? 'number' : samples
}

/** What the form or the address says, as a request; how many classes are explained, the Worker adds. */
export function requestOf({ method, parameters, samples, ...settings }: ExplanationSettings): RequestInput {
  const { segmenter, seed, kernelWidth, hidden } = settings
  return {
    version: 1,
    method,
    segmenter: segmenter === 'auto' ? null : { name: segmenter, parameters: parameters ?? {} },
    hideColor: hideColorOf(hidden),
    randomState: seed,
    randomSeed: seed,
    samples,
    ...(methodChoices[method].hasKernel && { kernelWidth }),
  }
}

/** What hidden parts show, as a request says it. */
export function hideColorOf(hidden: HiddenChoice): HideColor {
  if (hidden === 'segment') return null
  return hidden === '0' || hidden === '1' ? Number(hidden) : hidden
}
