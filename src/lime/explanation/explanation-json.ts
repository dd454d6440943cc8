import * as v from 'valibot'
import {
  finiteNumber,
  flag,
  items,
  numberFrom,
  oneOf,
  parsed,
  shown,
  thatIs,
  wholeNumber,
} from '../../engine/arguments.ts'
import { FormatError } from '../../engine/errors.ts'
import type { WeightInterval } from '../fit/confidence.ts'
import type { SegmentWeight } from '../fit/surrogate.ts'
import { type Image, type PixelData, toImage } from '../images/image.ts'
import type { ExplanationContents } from './explanation.ts'

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

const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0

const whole = thatIs<number>('a whole number', isCount)
const labelName = thatIs<string>('a class number', (value) => typeof value === 'string' && /^(0|[1-9]\d*)$/.test(value))
const byLabel = <S extends v.GenericSchema>(schema: S) => v.record(labelName, schema)
const orNull = <S extends v.GenericSchema>(schema: S) => v.nullable(schema)
const numbers = items<number>('a finite number', Number.isFinite)

/** An image of one pixel a side at least; how long the sides are, the data say. */
const extents = items<number>('a positive integer', (value) => isCount(value) && value !== 0)

const pixelsSchema = v.object({
  dtype: oneOf('float64', 'float32', 'uint8'),
  shape: extents,
  data: numbers,
})

const intervalSchema = v.object({ segment: whole, weight: finiteNumber, low: finiteNumber, high: finiteNumber })

/** What a schema can say; checkTogether() has the rest. */
const explanationSchema = v.object({
  image: pixelsSchema,
  fudged: pixelsSchema,
  segments: v.object({
    shape: extents,
    data: items<number>('a 32-bit integer', (value) => typeof value === 'number' && (value | 0) === value),
  }),
  labels: items<number>('a class number', isCount),
  topLabels: items<number>('a class number', isCount),
  intercept: byLabel(finiteNumber),
  localExp: byLabel(
    items<SegmentWeight>(
      '[segment, weight]',
      (pair) => Array.isArray(pair) && pair.length === 2 && isCount(pair[0]) && Number.isFinite(pair[1]),
    ),
  ),
  score: byLabel(orNull(finiteNumber)),
  localPred: byLabel(finiteNumber),
  intervals: byLabel(orNull(v.array(intervalSchema, 'a list of intervals, or null'))),
  samples: wholeNumber(1),
  sampling: oneOf('number', 'auto', 'exact'),
  settled: orNull(flag),
  /** Files of the first version lack it. */
  alpha: v.optional(orNull(numberFrom(0))),
  masks: items<string>('a row of 0 and 1', (row) => typeof row === 'string' && /^[01]+$/.test(row)),
  probabilities: items<readonly number[]>(
    'a row of finite numbers',
    (row) => Array.isArray(row) && row.length > 0 && row.every(Number.isFinite),
  ),
  distances: numbers,
  kernelWeights: items<number>('a number >= 0', (value) => Number.isFinite(value) && Number(value) >= 0),
  randomSeed: finiteNumber,
  warnings: items<string>('a text', (value) => typeof value === 'string'),
  timings: v.object({
    segmentation: finiteNumber,
    prediction: finiteNumber,
    fit: finiteNumber,
    total: finiteNumber,
  }),
})

type Parsed = v.InferOutput<typeof explanationSchema>

const what = 'this explanation'

/**
 * @param value what explanationToJson made, or JSON.parse of its text
 * @throws FormatError for anything else, with the path of what is wrong, what was found and what was expected
 */
export function explanationFromJson(value: unknown): ExplanationContents {
  const about = typeof value === 'object' && value !== null ? value : {}
  if (!('format' in about) || about.format !== format)
    throw new FormatError(`this is not an explanation: expected an object with the format "${format}"`)
  if (!('version' in about) || about.version !== version)
    throw new FormatError(
      `${what} is of version ${shown('version' in about ? about.version : undefined)}; only ${version} can be read`,
    )
  const json = parsed(what, explanationSchema, value)
  checkTogether(json)
  const [height, width] = json.segments.shape
  const { masks, probabilities, intervals, score, alpha } = json
  const [segmentCount, classes] = [masks[0].length, probabilities[0].length]
  return {
    ...json,
    asked: pixelsFromJson(json.image),
    fudgedAsked: pixelsFromJson(json.fudged),
    segments: { data: Int32Array.from(json.segments.data), shape: [height, width] },
    alpha: alpha === undefined ? firstAlpha(json) : alpha,
    score: Object.fromEntries(json.labels.map((label) => [label, score[label] ?? Number.NaN])),
    intervals: (label) => intervals[label] ?? null,
    masks: {
      data: endToEnd(Uint8Array, masks, segmentCount, (row, i) => (row[i] === '1' ? 1 : 0)),
      shape: [masks.length, segmentCount],
    },
    probabilities: {
      data: endToEnd(Float64Array, probabilities, classes, (row, i) => row[i]),
      shape: [probabilities.length, classes],
    },
    distances: Float64Array.from(json.distances),
    kernelWeights: Float64Array.from(json.kernelWeights),
  }
}

/** What alpha was before there was a choice: 1 wherever a ridge was fitted, whose weights have intervals. */
function firstAlpha({ labels, intervals }: Parsed): number | null {
  return labels.some((label) => intervals[label] !== null) ? 1 : null
}

function endToEnd<Row, T extends Uint8Array | Float64Array>(
  type: new (length: number) => T,
  rows: readonly Row[],
  width: number,
  at: (row: Row, i: number) => number,
): T {
  const data = new type(rows.length * width)
  rows.forEach((row, r) => {
    for (let i = 0; i < width; i++) data[r * width + i] = at(row, i)
  })
  return data
}

/** @throws FormatError where what belongs together does not fit */
function checkTogether(json: Parsed): void {
  const { image, fudged, segments, masks, probabilities, labels, topLabels } = json
  const must = (holds: boolean, found: string, expected: string) => {
    if (!holds) throw new FormatError(`${what}: ${found}; expected ${expected}`)
  }
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

  const rows = masks.length
  must(rows > 0, 'masks is empty', 'a row a sample')
  must(
    probabilities.length === rows && json.distances.length === rows && json.kernelWeights.length === rows,
    `there are ${rows} masks and ${probabilities.length} rows of probabilities, ${json.distances.length} distances and ${json.kernelWeights.length} kernelWeights`,
    'as many of each',
  )
  must(json.samples >= rows, `samples is ${json.samples}`, `at least the ${rows} samples that were kept`)
  const segmentCount = new Set(segments.data).size
  const oddMask = masks.findIndex((row) => row.length !== segmentCount)
  must(oddMask < 0, `masks.${oddMask} has ${masks[oddMask]?.length} segments`, `${segmentCount}, as the label map has`)
  must(!masks[0].includes('0'), 'masks.0 hides a segment', 'the image itself, all ones')
  const classes = probabilities[0].length
  const oddRow = probabilities.findIndex((row) => row.length !== classes)
  must(oddRow < 0, `probabilities.${oddRow} has ${probabilities[oddRow]?.length} classes`, `${classes}, as row 0 has`)

  must(new Set(labels).size === labels.length, 'labels holds one twice', 'each once')
  const strange = labels.find((label) => label >= classes)
  must(strange === undefined, `labels holds ${strange}`, `classes from 0 to ${classes - 1}`)
  must(
    topLabels.length === 0 || topLabels.join() === labels.join(),
    `topLabels is ${shown(topLabels)}`,
    'the labels, or none',
  )
  for (const name of ['intercept', 'localExp', 'score', 'localPred', 'intervals'] as const) {
    const given = Object.keys(json[name])
    const lacking = labels.find((label) => !Object.hasOwn(json[name], label))
    must(lacking === undefined, `${name} has no ${lacking}`, 'every label explained')
    must(given.length === labels.length, `${name} has ${given.length} labels`, `the ${labels.length} explained`)
  }
  for (const label of labels) {
    const weights = json.localExp[label]
    const found = weights.map(([segment]) => segment)
    const outside = found.find((segment) => segment >= segmentCount)
    must(outside === undefined, `localExp.${label} weighs segment ${outside}`, `segments 0 to ${segmentCount - 1}`)
    must(new Set(found).size === found.length, `localExp.${label} weighs a segment twice`, 'each once')
    const unordered = weights.findIndex(([, weight], i) => i > 0 && Math.abs(weight) > Math.abs(weights[i - 1][1]))
    must(unordered < 0, `localExp.${label}.${unordered} is larger than the one before it`, 'the largest |weight| first')
    const intervals = json.intervals[label]
    must(
      intervals === null ||
        (intervals.every(({ segment }, i) => segment === found[i]) && intervals.length === found.length),
      `intervals.${label} is of other segments than localExp.${label}`,
      'one for each, in its order',
    )
  }
}

const isOfType: Readonly<Record<keyof typeof pixelTypes, (value: number) => boolean>> = {
  float64: () => true,
  float32: (value) => Math.fround(value) === value,
  uint8: (value) => Number.isInteger(value) && value >= 0 && value <= 255,
}

function pixelsFromJson({ dtype, shape, data }: Parsed['image']): Image {
  const pixels: PixelData = pixelTypes[dtype].from(data)
  return toImage({ data: pixels, shape })
}
