import * as v from 'valibot'
import { finiteNumber, items, oneOf, parsed, shown, text, thatIs, wholeNumber } from '../../engine/arguments.ts'
import { FormatError } from '../../engine/errors.ts'
import type { SegmentWeight } from '../fit/surrogate.ts'
import { type Image, type PixelData, toImage } from '../images/image.ts'
import type { LabelMap } from '../segmenters/label-map.ts'
import type { AttributionContents, ByLabel, Provenance, Timings } from './contents.ts'

/**
 * Attributions as plain data, for JSON: numbers come back as they were, to the last bit. Version 1 is LIME's alone
 * (explanation-json.ts); from version 2 on a file names its method and holds what that method says beyond weights as `evidence`.
 */

export const format = 'limelight-explanation'
const version = 2

const pixelTypes = { float64: Float64Array, float32: Float32Array, uint8: Uint8Array } as const

export interface PixelsJson {
  readonly dtype: keyof typeof pixelTypes
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

export interface SegmentsJson {
  readonly shape: readonly number[]
  /** Numbered from 0 on, as the weights name them. */
  readonly data: readonly number[]
  /** What each was called, where that is another number. */
  readonly ids?: readonly number[]
}

export interface AttributionJson {
  readonly format: typeof format
  readonly version: typeof version
  readonly method: string
  readonly image: PixelsJson
  readonly fudged: PixelsJson
  readonly segments: SegmentsJson
  readonly labels: readonly number[]
  readonly topLabels: readonly number[]
  readonly localExp: ByLabel<readonly SegmentWeight[]>
  readonly prediction: readonly number[]
  readonly provenance: Provenance
  readonly warnings: readonly string[]
  readonly timings: Timings
  /** What the method says beyond weights. */
  readonly evidence: unknown
}

export function attributionToJson(contents: AttributionContents, evidence: unknown): AttributionJson {
  const { method, labels, topLabels, localExp, provenance, warnings, timings } = contents
  return {
    format,
    version,
    method,
    image: pixelsToJson(contents.asked),
    fudged: pixelsToJson(contents.fudgedAsked),
    segments: segmentsToJson(contents.segments),
    labels,
    topLabels,
    localExp,
    prediction: Array.from(contents.prediction),
    provenance,
    warnings,
    timings,
    evidence,
  }
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0
/** @internal */
export const whole = thatIs<number>('a whole number', isCount)
const labelName = thatIs<string>('a class number', (value) => typeof value === 'string' && /^(0|[1-9]\d*)$/.test(value))
/** @internal */
export const byLabel = <S extends v.GenericSchema>(schema: S) => v.record(labelName, schema)
/** @internal */
export const numbers = items<number>('a finite number', Number.isFinite)

/** An image of one pixel a side at least; how long the sides are, the data say. */
const extents = items<number>('a positive integer', (value) => isCount(value) && value !== 0)

const pixelsSchema = v.object({
  dtype: oneOf('float64', 'float32', 'uint8'),
  shape: extents,
  data: numbers,
})

const labels = items<number>('a 32-bit integer', (value) => typeof value === 'number' && (value | 0) === value)

/** What a schema can say of what all versions hold; checkSubject() and checkLabels() have the rest. @internal */
export const commonEntries = {
  image: pixelsSchema,
  fudged: pixelsSchema,
  segments: v.object({
    shape: extents,
    data: labels,
    ids: v.optional(labels),
  }),
  labels: items<number>('a class number', isCount),
  topLabels: items<number>('a class number', isCount),
  localExp: byLabel(
    items<SegmentWeight>(
      '[segment, weight]',
      (pair) => Array.isArray(pair) && pair.length === 2 && isCount(pair[0]) && Number.isFinite(pair[1]),
    ),
  ),
  warnings: items<string>('a text', (value) => typeof value === 'string'),
  timings: v.object({
    segmentation: finiteNumber,
    prediction: finiteNumber,
    fit: finiteNumber,
    total: finiteNumber,
  }),
}

/** How it came about, as version 1 has it. @internal */
export const samplesEntries = {
  samples: wholeNumber(1),
  sampling: oneOf('number', 'auto', 'exact'),
  randomSeed: finiteNumber,
}

export const what = 'this explanation'

/** @throws FormatError with what was found and what was expected, where it does not hold */
export function must(holds: boolean, found: string, expected: string): void {
  if (!holds) throw new FormatError(`${what}: ${found}; expected ${expected}`)
}

/**
 * The version of what was saved, whatever else is in it.
 * @throws FormatError for what is no explanation
 */
export function versionOf(value: unknown): unknown {
  const about = typeof value === 'object' && value !== null ? value : {}
  if (!('format' in about) || about.format !== format)
    throw new FormatError(`this is not an explanation: expected an object with the format "${format}"`)
  return 'version' in about ? about.version : undefined
}

/** @throws FormatError for another version than this one */
export function checkVersion(value: unknown, readable: number): void {
  const found = versionOf(value)
  if (found !== readable) throw new FormatError(`${what} is of version ${shown(found)}; only ${readable} can be read`)
}

/** The method that a file of this version names. @throws FormatError for one that names none */
export function methodOf(value: unknown): string {
  checkVersion(value, version)
  return parsed(what, v.object({ method: text }), value).method
}

/**
 * @param value what attributionToJson made, or JSON.parse of its text
 * @param evidence the schema of what the method says beyond weights
 * @throws FormatError for anything else, with the path of what is wrong, what was found and what was expected
 * @internal
 */
export function attributionFromJson<S extends v.GenericSchema>(
  value: unknown,
  evidence: S,
): { readonly contents: AttributionContents; readonly evidence: v.InferOutput<S> } {
  checkVersion(value, version)
  const provenance = v.object({ ...samplesEntries, samples: whole, evaluations: v.nullable(whole) })
  const common = v.object({ ...commonEntries, method: text, prediction: numbers, provenance })
  const json = parsed(what, common, value)
  const { evidence: own } = parsed(what, v.object({ evidence }), value)
  const segmentCount = checkSubject(json)
  must(json.prediction.length > 0, 'prediction is empty', 'a probability a class')
  checkLabels(json, segmentCount, json.prediction.length, { localExp: json.localExp })
  const contents = {
    ...json,
    ...subjectFromJson(json),
    segmentCount,
    prediction: Float64Array.from(json.prediction),
  }
  return { contents, evidence: own }
}

interface SubjectJson {
  readonly image: PixelsJson
  readonly fudged: PixelsJson
  readonly segments: SegmentsJson
}

/**
 * That image, fudged image and segments fit each other.
 * @returns how many segments there are
 * @throws FormatError where they do not
 */
export function checkSubject({ image, fudged, segments }: SubjectJson): number {
  for (const [name, { dtype, shape, data }] of Object.entries({ image, fudged })) {
    const [height, width, channels = 1] = shape
    must(
      (shape.length === 2 || shape.length === 3) && (channels === 1 || channels === 3),
      `${name}.shape is ${shown(shape)}`,
      '[H, W], [H, W, 1] or [H, W, 3]',
    )
    must(
      data.length === height * width * channels,
      `${name}.data has ${data.length} values for shape ${shown(shape)}`,
      'as many as its shape says',
    )
    const stray = data.findIndex((value) => !isOfType[dtype](value))
    must(stray < 0, `${name}.data.${stray} is ${data[stray]}`, `what ${dtype} can be`)
  }
  must(
    fudged.dtype === image.dtype && fudged.shape.join() === image.shape.join(),
    `fudged is ${fudged.dtype} ${shown(fudged.shape)}`,
    `${image.dtype} ${shown(image.shape)}, as the image is`,
  )
  const [height, width] = image.shape
  must(
    segments.shape.length === 2 && segments.shape[0] === height && segments.shape[1] === width,
    `segments.shape is ${shown(segments.shape)}`,
    `a label map of the image's size, [${height}, ${width}]`,
  )
  must(
    segments.data.length === height * width,
    `segments.data has ${segments.data.length} labels`,
    `one a pixel: ${height * width}`,
  )
  const { data, ids } = segments
  const count = new Set(data).size
  if (ids) {
    must(ids.length === count, `segments.ids has ${ids.length} numbers`, `one for each of the ${count} segments`)
    const same = ids.findIndex((id, i) => i > 0 && id <= ids[i - 1])
    must(same < 0, `segments.ids.${same} is ${ids[same]}`, 'each larger than the one before it')
    const outside = data.find((segment) => segment < 0 || segment >= count)
    must(outside === undefined, `segments.data holds ${outside}`, `segments 0 to ${count - 1}, as there are ids`)
  }
  return count
}

/**
 * That the labels are classes, each once, and that what is said of each is said of all of them.
 * @param said name -> what is said, by label
 * @param more what else must hold of a label's weights
 * @throws FormatError where it is not so
 */
export function checkLabels(
  { labels, topLabels, localExp }: Pick<AttributionJson, 'labels' | 'topLabels' | 'localExp'>,
  segmentCount: number,
  classes: number,
  said: Readonly<Record<string, ByLabel<unknown>>>,
  more: (label: number, segments: readonly number[]) => void = () => {},
): void {
  must(new Set(labels).size === labels.length, 'labels holds one twice', 'each once')
  const strange = labels.find((label) => label >= classes)
  must(strange === undefined, `labels holds ${strange}`, `classes from 0 to ${classes - 1}`)
  must(
    topLabels.length === 0 || topLabels.join() === labels.join(),
    `topLabels is ${shown(topLabels)}`,
    'the labels, or none',
  )
  for (const [name, ofLabels] of Object.entries(said)) {
    const given = Object.keys(ofLabels)
    const lacking = labels.find((label) => !Object.hasOwn(ofLabels, label))
    must(lacking === undefined, `${name} has no ${lacking}`, 'every label explained')
    must(given.length === labels.length, `${name} has ${given.length} labels`, `the ${labels.length} explained`)
  }
  for (const label of labels) {
    const weights = localExp[label]
    const found = weights.map(([segment]) => segment)
    const outside = found.find((segment) => segment >= segmentCount)
    must(outside === undefined, `localExp.${label} weighs segment ${outside}`, `segments 0 to ${segmentCount - 1}`)
    must(new Set(found).size === found.length, `localExp.${label} weighs a segment twice`, 'each once')
    const unordered = weights.findIndex(([, weight], i) => i > 0 && Math.abs(weight) > Math.abs(weights[i - 1][1]))
    must(unordered < 0, `localExp.${label}.${unordered} is larger than the one before it`, 'the largest |weight| first')
    more(label, found)
  }
}

const isOfType: Readonly<Record<keyof typeof pixelTypes, (value: number) => boolean>> = {
  float64: () => true,
  float32: (value) => Math.fround(value) === value,
  uint8: (value) => Number.isInteger(value) && value >= 0 && value <= 255,
}

export function subjectFromJson({ image, fudged, segments }: SubjectJson): {
  readonly asked: Image
  readonly fudgedAsked: Image
  readonly segments: LabelMap
} {
  const [height, width] = segments.shape
  return {
    asked: pixelsFromJson(image),
    fudgedAsked: pixelsFromJson(fudged),
    segments: {
      data: Int32Array.from(segments.data),
      shape: [height, width],
      ...(segments.ids && { ids: segments.ids }),
    },
  }
}

function pixelsFromJson({ dtype, shape, data }: PixelsJson): Image {
  const pixels: PixelData = pixelTypes[dtype].from(data)
  return toImage({ data: pixels, shape })
}

export function pixelsToJson({ data, shape }: Image): PixelsJson {
  const dtype = data instanceof Float64Array ? 'float64' : data instanceof Float32Array ? 'float32' : 'uint8'
  return { dtype, shape, data: Array.from(data as Float64Array) }
}

export function segmentsToJson({ data, shape, ids }: LabelMap): SegmentsJson {
  return { shape, data: Array.from(data), ...(ids && { ids }) }
}
