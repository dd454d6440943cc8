import { type Moments, type TargetMoments, withoutRounding } from './ridge.ts'

/**
 * LIME's limit (Garreau and Mardaoui, "What does LIME really see in images?", ICML 2021): what the fit needs of all 2^n masks,
 * each once. Masks are numbered: bit s of a number is 1 where segment s is hidden, so that mask 0 is the image itself.
 */

/** Time is what ends it: with tables (see LogitTables) a million masks take about a second, without as many predictions. */
export const mostSegmentsForExact = { byTables: 24, byPrediction: 16 } as const

/** The masks' moments in closed form, as a sample's weight depends on nothing but how many segments it shows, [n + 1]. */
export function momentsOfEveryMask(segments: number, weights: Float64Array): Moments {
  let [total, one, two] = [0, 0, 0]
  for (let shown = 0; shown <= segments; shown++) {
    total += choose(segments, shown) * weights[shown]
    if (shown >= 1) one += choose(segments - 1, shown - 1) * weights[shown]
    if (shown >= 2) two += choose(segments - 2, shown - 2) * weights[shown]
  }
  const gram = new Float64Array(segments * segments).fill(two - one ** 2 / total)
  for (let i = 0; i < segments; i++) gram[i * segments + i] = one - one ** 2 / total
  return { rows: 2 ** segments, columns: segments, total, means: new Float64Array(segments).fill(one / total), gram }
}

export function choose(n: number, k: number): number {
  let ways = 1
  for (let i = 1; i <= Math.min(k, n - k); i++) ways = (ways * (n - i + 1)) / i
  return Math.round(ways)
}

/**
 * Sums what a fit needs of its targets while all masks' probabilities come by in their numbers' order. A target's sum over the
 * masks that hide a segment is put together from sums over runs of masks that agree in their higher bits: a few additions a
 * mask, whatever the number of segments.
 */
export class EveryMaskTargets {
  private next = 0
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
    this.squares = new Float64Array(labels.length)
    this.hidden = new Float64Array(segments * labels.length)
    this.runs = new Float64Array((segments + 1) * labels.length)
  }

  /** Takes the next mask's probabilities, which start at `at`. */
  add(probabilities: ArrayLike<number>, at: number): void {
    const { labels, runs, hidden, squares, segments } = this
    const count = labels.length
    const weight = this.weights[segments - bitCount(this.next)]
    for (let l = 0; l < count; l++) {
      const value = probabilities[at + labels[l]]
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

  /** Once all masks came by: the weighted sum of a label's probabilities, and of those whose masks hide a segment. */
  sums(index: number): { total: number; hidden: Float64Array } {
    const { labels, segments } = this
    return {
      total: this.runs[segments * labels.length + index],
      hidden: Float64Array.from({ length: segments }, (_, s) => this.hidden[s * labels.length + index]),
    }
  }

  /** Once all masks came by. @param index of the label */
  target(index: number, moments: Moments): TargetMoments {
    const { total, hidden } = this.sums(index)
    const mean = total / moments.total
    const products = hidden.map((without, s) => total - without - moments.means[s] * total)
    return withoutRounding({ mean, products, square: this.squares[index] - mean * total }, moments)
  }
}

function bitCount(value: number): number {
  let bits = value - ((value >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}

/** Whether each segment is shown by masks first..first + count - 1, [count, segments]. */
export function masksFrom(first: number, count: number, segments: number): Uint8Array {
  const data = new Uint8Array(count * segments)
  for (let i = 0; i < count; i++)
    for (let s = 0; s < segments; s++) data[i * segments + s] = 1 - (((first + i) >> s) & 1)
  return data
}
