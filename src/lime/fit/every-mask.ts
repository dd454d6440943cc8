import { known } from '../steps.ts'
import { bitCount } from './mask-products.ts'
import { centred, type Moments, type TargetMoments, type TargetSums } from './moments.ts'

/**
 * LIME's limit (Garreau and Mardaoui, "What does LIME really see in images?", ICML 2021): what the fit needs of all 2^n masks,
 * each once. Masks are numbered: bit s of a number is 1 where segment s is hidden, so that mask 0 is the image itself.
 */

/** Time is what ends it: with tables (see LogitTables) a million masks take about a second, without as many predictions. */
export const mostSegmentsForExact = { byTables: 24, byPrediction: 16 } as const

/**
 * The masks' moments in closed form, as a sample's weight depends on nothing but how many segments it shows.
 * @param weights by how many are shown, [n + 1]
 */
export function momentsOfEveryMask(segments: number, weights: Float64Array): Moments {
  let [apart, one, two] = [0, 0, 0]
  for (let shown = 0; shown < segments; shown++) {
    apart += choose(segments, shown) * weights[shown]
    one += choose(segments - 1, shown) * weights[shown]
    if (shown <= segments - 2) two += choose(segments - 2, shown) * weights[shown]
  }
  const total = apart + weights[segments]
  // All segments are alike: two values are the whole matrix.
  const [own, shared] = [one - one ** 2 / total, two - one ** 2 / total]
  const entry = (i: number, j: number) => (i === j ? own : shared)
  return {
    rows: 2 ** segments,
    columns: segments,
    total,
    apart,
    hidden: new Float64Array(segments).fill(one),
    means: new Float64Array(segments).fill(1 - one / total),
    column: (i) => known(Float64Array.from({ length: segments }, (_, j) => entry(i, j))),
    gram: ({ length: n }) => known(Float64Array.from({ length: n * n }, (_, at) => entry(Math.floor(at / n), at % n))),
    variation: (_, coefficients) => {
      let [sum, squares] = [0, 0]
      for (const coefficient of coefficients) {
        sum += coefficient
        squares += coefficient ** 2
      }
      return known((own - shared) * squares + shared * sum ** 2)
    },
  }
}

export function choose(n: number, k: number): number {
  let ways = 1
  for (let i = 1; i <= Math.min(k, n - k); i++) ways = (ways * (n - i + 1)) / i
  return Math.round(ways)
}

/**
 * Sums what a fit needs of its targets while all masks' probabilities come by in their numbers' order, less the first mask's,
 * which shows the image. A target's sum over the
 * masks that hide a segment is put together from sums over runs of masks that agree in their higher bits: a few additions a
 * mask, whatever the number of segments.
 */
export class EveryMaskTargets {
  private next = 0
  /** The image's, [labels]. */
  private readonly image: Float64Array
  /** [labels] */
  private readonly squares: Float64Array
  /** [segments, labels] of the masks that hide a segment. */
  private readonly hidden: Float64Array
  /** [segments + 1, labels] since the mask's bit last changed, lower bits' finished runs included. */
  private readonly runs: Float64Array

  constructor(
    private readonly segments: number,
    /** By how many segments are shown, [segments + 1]. */
    private readonly weights: Float64Array,
    readonly labels: readonly number[],
  ) {
    this.image = new Float64Array(labels.length)
    this.squares = new Float64Array(labels.length)
    this.hidden = new Float64Array(segments * labels.length)
    this.runs = new Float64Array((segments + 1) * labels.length)
  }

  /** Takes the next mask's probabilities, which start at `at`. */
  add(probabilities: ArrayLike<number>, at: number): void {
    const { labels, image, runs, hidden, squares, segments } = this
    const count = labels.length
    if (this.next === 0) for (let l = 0; l < count; l++) image[l] = probabilities[at + labels[l]]
    const weight = this.weights[segments - bitCount(this.next)]
    for (let l = 0; l < count; l++) {
      const value = probabilities[at + labels[l]] - image[l]
      runs[l] += weight * value
      squares[l] += weight * value * value
    }
    this.next++
    // Of the bits that change now, all but the highest were 1.
    for (let bit = 0; bit < segments; bit++) {
      const isHighest = ((this.next >> bit) & 1) === 1
      for (let l = 0; l < count; l++) {
        const run = runs[bit * count + l]
        if (!isHighest) hidden[bit * count + l] += run
        runs[(bit + 1) * count + l] += run
        runs[bit * count + l] = 0
      }
      if (isHighest) break
    }
  }

  /** Once all masks came by. @param index of the label */
  sums(index: number): TargetSums {
    const { labels, segments } = this
    return {
      image: this.image[index],
      total: this.runs[segments * labels.length + index],
      hidden: Float64Array.from({ length: segments }, (_, s) => this.hidden[s * labels.length + index]),
      square: this.squares[index],
    }
  }

  /** Once all masks came by. @param index of the label */
  target(index: number, moments: Moments): TargetMoments {
    return centred(this.sums(index), moments)
  }
}

/** Whether each segment is shown by masks first..first + count - 1, [count, segments]. */
export function masksFrom(first: number, count: number, segments: number): Uint8Array {
  const data = new Uint8Array(count * segments)
  for (let i = 0; i < count; i++)
    for (let s = 0; s < segments; s++) data[i * segments + s] = 1 - (((first + i) >> s) & 1)
  return data
}
