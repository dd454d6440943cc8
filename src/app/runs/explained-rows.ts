import { type Attribution, Explanation, type ExplanationRequest, ShapleyAttribution } from '../../lime/index.ts'
import { labelMapToPng } from '../pictures/label-map-picture.ts'
import type { RunImage } from './planned-run.ts'
import type { ResultRow } from './result-row.ts'

/** What was found about an image, as rows. */

/** What all rows of an image share. */
export interface RowOrigin {
  readonly run: string
  readonly image: RunImage
  /** With the image's own seeds. */
  readonly request: ExplanationRequest
  readonly labelIndex: number | null
  readonly nameOf: (label: number) => string
  readonly seconds: number
  readonly device: string
  readonly program: string
}

export function explainedRows(origin: RowOrigin, attribution: Attribution, warnings: readonly string[]): ResultRow[] {
  const { segments, segmentCount, prediction, labels, samples, timings } = attribution
  const [height, width] = segments.shape
  const probabilities = Array.from(prediction)
  const predicted = probabilities.indexOf(Math.max(...probabilities))
  const shared = {
    predicted,
    predicted_name: origin.nameOf(predicted),
    probabilities,
    segments: labelMapToPng({ data: segments.data, shape: segments.shape }),
    segment_count: segmentCount,
    height,
    width,
    samples,
    warnings,
    error: null,
    seconds_segmentation: timings.segmentation / 1000,
    seconds_prediction: timings.prediction / 1000,
    seconds_fit: timings.fit / 1000,
  }
  return labels.map((label, position) => ({
    ...begun(origin),
    ...shared,
    position,
    class_index: label,
    class_name: origin.nameOf(label),
    ...weightsOf(attribution, label),
  }))
}

/** The row of an image that could not be explained. */
export function errorRow(origin: RowOrigin, error: string): ResultRow {
  return { ...begun(origin), error }
}

/** A row of which nothing is known but where it comes from. */
function begun({ run, image, request, labelIndex, seconds, device, program }: RowOrigin): ResultRow {
  return {
    run,
    id: image.id,
    path: image.path ?? null,
    label: image.label ?? null,
    label_index: labelIndex,
    position: 0,
    class_index: null,
    class_name: null,
    predicted: null,
    predicted_name: null,
    probabilities: null,
    method: request.method,
    intercept: null,
    r2: null,
    weights: null,
    weights_low: null,
    weights_high: null,
    segments: null,
    segment_count: null,
    height: null,
    width: null,
    samples: null,
    random_state: request.randomState ?? null,
    random_seed: request.randomSeed,
    warnings: [],
    error: null,
    seconds,
    seconds_segmentation: null,
    seconds_prediction: null,
    seconds_fit: null,
    device,
    program,
  }
}

type Weights = Pick<ResultRow, 'intercept' | 'r2' | 'weights' | 'weights_low' | 'weights_high'>

function weightsOf(attribution: Attribution, label: number): Weights {
  const pairs = attribution.weightsOf(label)
  const bySegment = (values: readonly number[]) => {
    const list = new Array<number | null>(attribution.segmentCount).fill(null)
    pairs.forEach(([segment], i) => {
      list[segment] = finite(values[i])
    })
    return list
  }
  const weights = bySegment(pairs.map(([, weight]) => weight))
  if (attribution instanceof Explanation) {
    const intervals = attribution.intervals(label)
    return {
      intercept: finite(attribution.intercept[label]),
      r2: finite(attribution.score[label]),
      weights,
      weights_low: bySegment(intervals.map(({ low }) => low)),
      weights_high: bySegment(intervals.map(({ high }) => high)),
    }
  }
  const ofShapley = attribution instanceof ShapleyAttribution
  return {
    intercept: ofShapley ? finite(attribution.base[label]) : null,
    r2: ofShapley ? finite(attribution.score?.[label]) : null,
    weights,
    weights_low: null,
    weights_high: null,
  }
}

/** Null for what is no number: JSON has no other word for it, and both formats are to say the same. */
function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null
}
