import * as v from 'valibot'
import { finiteNumber, flag, items, numberFrom, oneOf, parsed } from '../../engine/arguments.ts'
import type { WeightInterval } from '../fit/confidence.ts'
import { samplingDesigns } from '../samples/sampling.ts'
import {
  byLabel,
  checkLabels,
  checkSubject,
  checkVersion,
  commonEntries,
  format,
  must,
  numbers,
  type PixelsJson,
  pixelsToJson,
  type SegmentsJson,
  samplesEntries,
  segmentsToJson,
  subjectFromJson,
  what,
  whole,
} from './attribution-json.ts'
import type { ByLabel, ExplanationContents } from './contents.ts'

/** LIME's explanations as plain data, for JSON: version 1. Shapley values were saved in it, too, before version 2 was. */

const version = 1

export interface ExplanationJson {
  readonly format: typeof format
  readonly version: typeof version
  readonly image: PixelsJson
  readonly fudged: PixelsJson
  readonly segments: SegmentsJson
  readonly labels: readonly number[]
  readonly topLabels: readonly number[]
  readonly intercept: ByLabel<number>
  readonly localExp: ExplanationContents['localExp']
  /** null where nothing was fitted. */
  readonly score: ByLabel<number | null>
  readonly localPred: ByLabel<number>
  readonly intervals: ByLabel<readonly WeightInterval[] | null>
  readonly samples: number
  readonly sampling: ExplanationContents['provenance']['sampling']
  readonly settled: boolean | null
  /** null where no masks were drawn. */
  readonly design: ExplanationContents['design']
  /** null where no ridge was fitted. */
  readonly alpha: number | null
  /** A row of text a sample, '1' for each segment shown. */
  readonly masks: readonly string[]
  readonly probabilities: readonly (readonly number[])[]
  readonly distances: readonly number[]
  readonly kernelWeights: readonly number[]
  readonly randomSeed: number
  /** Images that the predictor was asked about; null where an earlier file did not say. */
  readonly evaluations: number | null
  readonly warnings: readonly string[]
  readonly timings: ExplanationContents['timings']
}

export function explanationToJson(contents: ExplanationContents): ExplanationJson {
  const { labels, masks, probabilities, provenance } = contents
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
    segments: segmentsToJson(contents.segments),
    labels,
    topLabels: contents.topLabels,
    intercept: contents.intercept,
    localExp: contents.localExp,
    score: Object.fromEntries(
      labels.map((label) => [label, Number.isNaN(contents.score[label]) ? null : contents.score[label]]),
    ),
    localPred: contents.localPred,
    intervals: Object.fromEntries(labels.map((label) => [label, contents.intervals(label)])),
    samples: provenance.samples,
    sampling: provenance.sampling,
    settled: contents.settled,
    design: contents.design,
    alpha: contents.alpha,
    masks: rows(masks.data, masks.shape, (row) => row.join('')),
    probabilities: rows(probabilities.data, probabilities.shape, (row) => row),
    distances: Array.from(contents.distances),
    kernelWeights: Array.from(contents.kernelWeights),
    randomSeed: provenance.randomSeed,
    evaluations: provenance.evaluations,
    warnings: contents.warnings,
    timings: contents.timings,
  }
}

const orNull = <S extends v.GenericSchema>(schema: S) => v.nullable(schema)

const intervalSchema = v.object({ segment: whole, weight: finiteNumber, low: finiteNumber, high: finiteNumber })

/** What a schema can say; checkTogether() has the rest. */
const explanationSchema = v.object({
  ...commonEntries,
  ...samplesEntries,
  intercept: byLabel(finiteNumber),
  score: byLabel(orNull(finiteNumber)),
  localPred: byLabel(finiteNumber),
  intervals: byLabel(orNull(v.array(intervalSchema, 'a list of intervals, or null'))),
  settled: orNull(flag),
  /** The first files lack it. */
  design: v.optional(orNull(oneOf(...samplingDesigns))),
  /** The first files lack it. */
  alpha: v.optional(orNull(numberFrom(0))),
  /** Files of 0.2.0 and before lack it. */
  evaluations: v.optional(orNull(whole), null),
  masks: items<string>('a row of 0 and 1', (row) => typeof row === 'string' && /^[01]+$/.test(row)),
  probabilities: items<readonly number[]>(
    'a row of finite numbers',
    (row) => Array.isArray(row) && row.length > 0 && row.every(Number.isFinite),
  ),
  distances: numbers,
  kernelWeights: items<number>('a number >= 0', (value) => Number.isFinite(value) && Number(value) >= 0),
})

type Parsed = v.InferOutput<typeof explanationSchema>

/**
 * @param value what explanationToJson made, or JSON.parse of its text
 * @throws FormatError for anything else, with the path of what is wrong, what was found and what was expected
 */
export function explanationFromJson(value: unknown): ExplanationContents {
  checkVersion(value, version)
  const json = parsed(what, explanationSchema, value)
  checkTogether(json)
  const { masks, probabilities, intervals, score, alpha, design, samples, sampling, randomSeed, evaluations } = json
  const [segmentCount, classes] = [masks[0].length, probabilities[0].length]
  return {
    ...json,
    ...subjectFromJson(json),
    method: 'lime',
    segmentCount,
    prediction: Float64Array.from(probabilities[0]),
    provenance: { randomSeed, samples, sampling, evaluations },
    // There was but one way to draw masks.
    design: design === undefined ? (sampling === 'exact' ? null : 'plain') : design,
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
  const { masks, probabilities, intercept, localExp, score, localPred, intervals } = json
  const segmentCount = checkSubject(json)
  const rows = masks.length
  must(rows > 0, 'masks is empty', 'a row a sample')
  must(
    probabilities.length === rows && json.distances.length === rows && json.kernelWeights.length === rows,
    `there are ${rows} masks and ${probabilities.length} rows of probabilities, ${json.distances.length} distances and ${json.kernelWeights.length} kernelWeights`,
    'as many of each',
  )
  must(json.samples >= rows, `samples is ${json.samples}`, `at least the ${rows} samples that were kept`)
  const oddMask = masks.findIndex((row) => row.length !== segmentCount)
  must(oddMask < 0, `masks.${oddMask} has ${masks[oddMask]?.length} segments`, `${segmentCount}, as the label map has`)
  must(!masks[0].includes('0'), 'masks.0 hides a segment', 'the image itself, all ones')
  const classes = probabilities[0].length
  const oddRow = probabilities.findIndex((row) => row.length !== classes)
  must(oddRow < 0, `probabilities.${oddRow} has ${probabilities[oddRow]?.length} classes`, `${classes}, as row 0 has`)

  const said = { intercept, localExp, score, localPred, intervals }
  checkLabels(json, segmentCount, classes, said, (label, segments) => {
    const own = intervals[label]
    must(
      own === null || (own.every(({ segment }, i) => segment === segments[i]) && own.length === segments.length),
      `intervals.${label} is of other segments than localExp.${label}`,
      'one for each, in its order',
    )
  })
}
