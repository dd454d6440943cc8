import { InvalidArgumentError } from 'commander'
import { ArgumentError } from '../../engine/errors.ts'
import {
  explanationRequest,
  type HideColor,
  hiddenFills,
  type RequestInput,
  type SamplingDesign,
} from '../../lime/index.ts'
import type { SegmentedIn } from '../photographs/photograph-segments.ts'
import { labelsFrom } from '../tasks/class-labels.ts'
import { type DeviceOptions, integer, pixelValue } from './options.ts'
import type { PictureCommandOptions } from './picture-options.ts'

/** What `limelight explain` is told, and what it asks for in the library's words. */

export interface ExplainCommandOptions extends DeviceOptions, PictureCommandOptions {
  readonly model: string
  readonly index?: number
  readonly indices?: readonly [number, number]
  readonly image?: readonly string[]
  readonly crop?: boolean
  readonly segmentIn?: SegmentedIn
  /** A label map's file. */
  readonly segments?: string
  readonly json?: boolean
  readonly masks?: boolean
  readonly out?: string
  readonly method: string
  readonly segmenter?: string
  readonly segmenterParam: readonly (readonly [string, string])[]
  readonly samples: number | 'exact' | 'auto'
  readonly sampling?: SamplingDesign
  readonly of?: 'probability' | 'logit'
  readonly alpha?: number
  readonly factored: boolean
  readonly stability?: number
  readonly faithfulness?: boolean
  readonly randomState: number
  readonly randomSeed: number
  readonly hideColor?: HideColor
  readonly topLabels?: number
  readonly labels?: readonly string[]
  readonly numFeatures?: number
  readonly featureSelection?: string
  readonly kernelWidth?: number
  readonly distanceMetric?: string
}

export function collectParameter(text: string, before: readonly (readonly [string, string])[]) {
  const [name, value, ...rest] = text.split('=')
  if (!name || !value || rest.length > 0) throw new InvalidArgumentError('expected name=value')
  return [...before, [name, value] as const]
}

/** A parser's refusal, in the words of an option that takes more than it knows. */
function expecting<T>(what: string, parse: () => T): T {
  try {
    return parse()
  } catch {
    throw new InvalidArgumentError(`expected ${what}`)
  }
}

export function samplesOption(text: string): number | 'exact' | 'auto' {
  if (text === 'exact' || text === 'auto') return text
  return expecting("a whole number of at least 1, 'exact' or 'auto'", () => integer(1)(text))
}

export function indexRange(text: string): readonly [number, number] {
  const [first, end, ...rest] = text.split(':').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  if (rest.length > 0 || !Number.isInteger(first) || !Number.isInteger(end) || first < 0 || end <= first)
    throw new InvalidArgumentError('expected first:end, as in 0:10000')
  return [first, end]
}

export function colour(text: string): HideColor {
  const fill = hiddenFills.find((name) => name === text)
  if (fill) return fill
  const values = expecting(`a number, r,g,b or one of ${hiddenFills.join(', ')}`, () => text.split(',').map(pixelValue))
  return values.length === 1 ? values[0] : values
}

/** Classes with commas between them, by number or by name. */
export function labelList(text: string): string[] {
  const labels = text.split(',').map((label) => label.trim())
  if (labels.some((label) => label === '')) throw new InvalidArgumentError('expected classes with commas between them')
  return labels
}

/**
 * What the options ask for, but for the classes: those may be called by names that only the network knows.
 * @throws ArgumentError for what no image can make right
 */
export function requestOf(options: ExplainCommandOptions): RequestInput {
  const { method, segmenter, segmenterParam, topLabels, hideColor, samples, sampling, alpha, numFeatures } = options
  if (segmenter === undefined && segmenterParam.length > 0)
    throw new ArgumentError('--segmenter-param needs --segmenter, whose parameter it is')
  const { randomState, randomSeed, factored, of, featureSelection, kernelWidth, distanceMetric } = options
  const request: RequestInput = {
    version: 1,
    method,
    segmenter: segmenter === undefined ? null : { name: segmenter, parameters: Object.fromEntries(segmenterParam) },
    topLabels,
    hideColor: hideColor ?? null,
    randomState,
    randomSeed,
    factored,
    samples,
    sampling,
    of,
    alpha,
    numFeatures,
    featureSelection,
    kernelWidth,
    distanceMetric,
  }
  explanationRequest(request)
  return request
}

/**
 * The request with the classes that were asked for.
 * @param names what they are called; null where nobody knows
 * @throws ArgumentError for a name that no class has, or several have
 */
export function withLabels(
  request: RequestInput,
  { labels }: ExplainCommandOptions,
  names: readonly string[] | null,
): RequestInput {
  return labels ? { ...request, labels: labelsFrom(labels, names) } : request
}

/** Whether classes were asked for: otherwise many images are each explained for those that count there. */
export function asksForLabels({ labels, topLabels }: Pick<ExplainCommandOptions, 'labels' | 'topLabels'>): boolean {
  return labels !== undefined || topLabels !== undefined
}
