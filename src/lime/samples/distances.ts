import { shown } from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import { rowsAStep, type Steps } from '../steps.ts'
import type { Masks } from './sampling.ts'

/**
 * Distances between rows of zeros and ones need only four counts: in how many columns both are 1 (`both`), only the first
 * (`first`), only the second (`second`), neither (`neither`).
 */
interface Counts {
  readonly both: number
  readonly first: number
  readonly second: number
  readonly neither: number
}

const differing = ({ first, second }: Counts) => first + second
const columns = ({ both, first, second, neither }: Counts) => both + first + second + neither

/** 0 / 0 is 0: two rows without a single 1 do not differ. */
const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole)

/** scikit-learn's metrics (and SciPy's, which it passes on), for rows of zeros and ones. */
const metrics = {
  /** 1 - cos of the angle; a row of zeros is at distance 1 from everything, itself included. */
  cosine: ({ both, first, second }: Counts) => {
    const norms = Math.sqrt((both + first) * (both + second))
    return norms === 0 ? 1 : 1 - both / norms
  },
  euclidean: (counts: Counts) => Math.sqrt(differing(counts)),
  l2: (counts: Counts) => Math.sqrt(differing(counts)),
  minkowski: (counts: Counts) => Math.sqrt(differing(counts)),
  sqeuclidean: differing,
  manhattan: differing,
  cityblock: differing,
  l1: differing,
  canberra: differing,
  chebyshev: (counts: Counts) => (differing(counts) > 0 ? 1 : 0),
  hamming: (counts: Counts) => share(differing(counts), columns(counts)),
  jaccard: (counts: Counts) => share(differing(counts), counts.both + differing(counts)),
  dice: (counts: Counts) => share(differing(counts), 2 * counts.both + differing(counts)),
  braycurtis: (counts: Counts) => share(differing(counts), 2 * counts.both + differing(counts)),
  russellrao: (counts: Counts) => share(columns(counts) - counts.both, columns(counts)),
  rogerstanimoto: (counts: Counts) => share(2 * differing(counts), columns(counts) + differing(counts)),
  sokalmichener: (counts: Counts) => share(2 * differing(counts), columns(counts) + differing(counts)),
  sokalsneath: (counts: Counts) => share(2 * differing(counts), counts.both + 2 * differing(counts)),
} as const

export type DistanceMetric = keyof typeof metrics

/** The names that distancesToFirst knows. */
export const distanceMetrics = Object.keys(metrics) as readonly DistanceMetric[]

/** @throws ArgumentError for a name that is no metric, listing the valid ones and why two well-known ones are missing */
export function checkDistanceMetric(name: string): asserts name is DistanceMetric {
  if (Object.hasOwn(metrics, name)) return
  const why =
    name === 'correlation' || name === 'yule'
      ? `${name} says nothing here: row 0, which all samples are compared with, is all ones`
      : `there is no distance metric ${shown(name)}`
  throw new ArgumentError(`${why}; valid are ${distanceMetrics.join(', ')}`)
}

/**
 * The distance to the image of a sample that shows so many of `segments`, [segments + 1]: no metric looks at which.
 * @throws ArgumentError for an unknown metric
 */
export function distancesByCount(segments: number, metric: DistanceMetric): Float64Array {
  checkDistanceMetric(metric)
  return Float64Array.from({ length: segments + 1 }, (_, shown) =>
    metrics[metric]({ both: shown, first: 0, second: segments - shown, neither: 0 }),
  )
}

/** Metrics that differ do so among so many segments. */
const tellingSegments = 8

/**
 * A metric by the first name of those that are one beside the image, whose row is all ones: 'l2' is 'euclidean', and both 'jaccard'
 * and 'russellrao' are 'hamming'.
 * @throws ArgumentError as checkDistanceMetric
 */
export function distanceMetricNamed(name: string): DistanceMetric {
  checkDistanceMetric(name)
  const own = distancesByCount(tellingSegments, name).join()
  return distanceMetrics.find((other) => distancesByCount(tellingSegments, other).join() === own) ?? name
}

/**
 * The distance of every row to row 0, [samples].
 * @throws ArgumentError for an unknown metric
 */
export function* distancesToFirst(masks: Masks, metric: DistanceMetric): Steps<Float64Array> {
  checkDistanceMetric(metric)
  const { data } = masks
  const [samples, segments] = masks.shape
  const distances = new Float64Array(samples)
  const step = rowsAStep(segments)
  let inFirst = 0
  for (let segment = 0; segment < segments; segment++) inFirst += data[segment]
  for (let row = 0, at = 0; row < samples; row++) {
    if (row % step === 0) yield row / samples
    let [inRow, both] = [0, 0]
    for (let segment = 0; segment < segments; segment++, at++) {
      inRow += data[at]
      both += data[at] & data[segment]
    }
    const [first, second] = [inRow - both, inFirst - both]
    distances[row] = metrics[metric]({ both, first, second, neither: segments - both - first - second })
  }
  return distances
}
