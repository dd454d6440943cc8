import { ArgumentError } from '../engine/errors.ts'
import type { WeightInterval } from './confidence.ts'
import type { ExplanationContents } from './explanation.ts'
import { type Image, type PixelData, toImage } from './image.ts'

/** Explanations as plain data, for JSON: numbers come back as they were, to the last bit. */

const format = 'limelight-explanation'
const version = 1

const pixelTypes = { float64: Float64Array, float32: Float32Array, uint8: Uint8Array } as const

interface PixelsJson {
  readonly dtype: keyof typeof pixelTypes
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

type ByLabel<T> = Readonly<Record<number, T>>

export interface ExplanationJson {
  readonly format: typeof format
  readonly version: typeof version
  readonly image: PixelsJson
  readonly fudged: PixelsJson
  readonly segments: { readonly shape: readonly number[]; readonly data: readonly number[] }
  readonly labels: readonly number[]
  readonly topLabels: readonly number[]
  readonly intercept: ByLabel<number>
  readonly localExp: ExplanationContents['localExp']
  /** null where nothing was fitted. */
  readonly score: ByLabel<number | null>
  readonly localPred: ByLabel<number>
  readonly intervals: ByLabel<readonly WeightInterval[] | null>
  readonly samples: number
  readonly sampling: ExplanationContents['sampling']
  readonly settled: boolean | null
  /** null where no ridge was fitted. */
  readonly alpha: number | null
  /** A row of text a sample, '1' for each segment shown. */
  readonly masks: readonly string[]
  readonly probabilities: readonly (readonly number[])[]
  readonly distances: readonly number[]
  readonly kernelWeights: readonly number[]
  readonly randomSeed: number
  readonly warnings: readonly string[]
  readonly timings: ExplanationContents['timings']
}

export function explanationToJson(contents: ExplanationContents): ExplanationJson {
  const { labels, masks, probabilities, segments } = contents
  const rows = <T extends ArrayLike<number>, R>(
    data: T,
    [count, width]: readonly number[],
    row: (part: number[]) => R,
  ): R[] =>
    Array.from({ length: count }, (_, i) => row(Array.from({ length: width }, (_unused, j) => data[i * width + j])))
  return {
    format,
    version,
    image: pixelsToJson(contents.asked),
    fudged: pixelsToJson(contents.fudgedAsked),
    segments: { shape: segments.shape, data: Array.from(segments.data) },
    labels,
    topLabels: contents.topLabels,
    intercept: contents.intercept,
    localExp: contents.localExp,
    score: Object.fromEntries(
      labels.map((label) => [label, Number.isNaN(contents.score[label]) ? null : contents.score[label]]),
    ),
    localPred: contents.localPred,
    intervals: Object.fromEntries(labels.map((label) => [label, contents.intervals(label)])),
    samples: contents.samples,
    sampling: contents.sampling,
    settled: contents.settled,
    alpha: contents.alpha,
    masks: rows(masks.data, masks.shape, (row) => row.join('')),
    probabilities: rows(probabilities.data, probabilities.shape, (row) => row),
    distances: Array.from(contents.distances),
    kernelWeights: Array.from(contents.kernelWeights),
    randomSeed: contents.randomSeed,
    warnings: contents.warnings,
    timings: contents.timings,
  }
}

function pixelsToJson({ data, shape }: Image): PixelsJson {
  const dtype = data instanceof Float64Array ? 'float64' : data instanceof Float32Array ? 'float32' : 'uint8'
  return { dtype, shape, data: Array.from(data as Float64Array) }
}

/** @throws ArgumentError for anything but what explanationToJson made, naming what is wrong */
export function explanationFromJson(value: unknown): ExplanationContents {
  const json = value as Partial<ExplanationJson> | null
  if (typeof json !== 'object' || json === null || json.format !== format)
    throw new ArgumentError(`this is not an explanation: expected an object with the format "${format}"`)
  if (json.version !== version)
    throw new ArgumentError(`this explanation is of version ${json.version}; only ${version} can be read`)
  const field = <K extends keyof ExplanationJson>(name: K): ExplanationJson[K] => {
    const found = json[name]
    if (found === undefined) throw new ArgumentError(`this explanation has no "${name}"`)
    return found
  }
  const asked = pixelsFromJson('image', field('image'))
  const segments = field('segments')
  const [height, width] = segments.shape
  if (height !== asked.height || width !== asked.width || segments.data.length !== height * width)
    throw new ArgumentError(
      `this explanation has a label map [${segments.shape}] of ${segments.data.length} pixels; the image is [${asked.shape}]`,
    )
  const [masks, probabilities] = [field('masks'), field('probabilities')]
  const [segmentCount, classes] = [masks.at(0)?.length ?? 0, probabilities.at(0)?.length ?? 0]
  if (masks.length !== probabilities.length || [...masks].some((row) => row.length !== segmentCount))
    throw new ArgumentError(
      `this explanation has ${masks.length} masks and ${probabilities.length} rows of probabilities; expected as many, all as long`,
    )
  const [labels, intervals, score] = [field('labels'), field('intervals'), field('score')]
  return {
    asked,
    fudgedAsked: pixelsFromJson('fudged', field('fudged')),
    segments: { data: Int32Array.from(segments.data), shape: [height, width] },
    labels,
    topLabels: field('topLabels'),
    intercept: field('intercept'),
    localExp: field('localExp'),
    score: Object.fromEntries(labels.map((label) => [label, score[label] ?? Number.NaN])),
    localPred: field('localPred'),
    intervals: (label) => intervals[label] ?? null,
    samples: field('samples'),
    sampling: field('sampling'),
    settled: field('settled'),
    alpha: field('alpha'),
    masks: {
      data: Uint8Array.from(masks.join(''), (shown) => (shown === '1' ? 1 : 0)),
      shape: [masks.length, segmentCount],
    },
    probabilities: { data: Float64Array.from(probabilities.flat()), shape: [probabilities.length, classes] },
    distances: Float64Array.from(field('distances')),
    kernelWeights: Float64Array.from(field('kernelWeights')),
    randomSeed: field('randomSeed'),
    warnings: field('warnings'),
    timings: field('timings'),
  }
}

function pixelsFromJson(name: string, { dtype, shape, data }: PixelsJson): Image {
  if (!Object.hasOwn(pixelTypes, dtype) || !Array.isArray(data))
    throw new ArgumentError(
      `this explanation's ${name} is of type ${dtype}; expected ${Object.keys(pixelTypes).join(', ')}`,
    )
  const pixels: PixelData = pixelTypes[dtype].from(data)
  return toImage({ data: pixels, shape })
}
