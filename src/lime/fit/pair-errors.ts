import { pairsABlock } from '../samples/balanced-masks.ts'
import { part, rowsAStep, type Steps } from '../steps.ts'
import { bitsOfSamples, sumRowsAtOnes } from './mask-products.ts'
import type { SampleMoments } from './moments.ts'

/**
 * How far weights fitted to balanced masks (balanced-masks.ts) are from their limit. Their rows are no independent draws, so that what
 * single samples move a fit by says nothing of its error. What is independent is blocks. Where there are enough of them, their sums
 * of influences have the variance that the fit has (a sandwich with blocks for its clusters, whose fits weigh the same). With few
 * blocks such a variance is hardly known itself; pairs then stand in for them: as pairs are balanced among one another, too, the
 * true error is that or a little less. A pair takes part in the fit that its residuals are measured from; what that makes them too
 * small by is given back (Bell and McCaffrey's CR2, Survey Methodology 2002).
 */

/**
 * With this many Student's t is 2.6 for a normal distribution's 2. With more, pairs would mislead: where three segments together
 * decide much, the columns of a block sometimes multiply to that of a fourth, whose weight the whole block then gets wrong without
 * any pair showing it.
 */
const leastBlocks = 6

/** A pair that alone decides some weight: how that weight varies can't be told from it. */
const alone = 1e-9

/** A fit without penalty to the samples drawn. */
export interface DrawnFit {
  readonly moments: SampleMoments
  readonly features: ArrayLike<number>
  /** Σ w of the samples drawn. */
  readonly total: number
  /** What share of it hides each feature, [features]. */
  readonly shares: Float64Array
  /** Of the system of the features, [features, features]. */
  readonly inverse: Float64Array
  /** inverse times shares, [features]. */
  readonly centre: Float64Array
}

/** A label's part of it, and the sums that are added to. */
export interface DrawnLabel {
  readonly centres: Float64Array
  readonly variances: Float64Array
  readonly neighbours: Float64Array
  /** [rows] */
  readonly targets: Float64Array
  readonly mean: number
}

/** Pairs beyond what a fit of so many features takes: each pair tells as much of their weights as one sample does. */
export function freedomOfPairs(samples: number, features: number): number {
  return Math.floor((samples - 1) / 2) - features
}

/**
 * Adds up the labels' variances and covariances.
 * @param segments how many the masks were made for
 * @returns the variances' degrees of freedom
 */
export function* addErrorsOfPairs(fit: DrawnFit, labels: readonly DrawnLabel[], segments: number): Steps<number> {
  const { moments, features, total, shares, inverse, centre } = fit
  const { data, rows, columns, weights } = moments
  const n = features.length
  const pairs = Math.ceil((rows - 1) / 2)
  const inBlock = pairsABlock(segments)
  // One that is cut off counts for its part.
  const blocks = pairs / inBlock
  const byBlocks = blocks >= leastBlocks
  // A pair's second mask hides what its first shows.
  const everything = new Float64Array(n)
  for (let i = 0, at = 0; i < n; i++) for (let j = 0; j < n; j++, at++) everything[j] += inverse[at]
  const firsts = new Uint8Array(pairs * columns)
  const step = rowsAStep(columns)
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % step === 0) yield 0
    for (let c = 0; c < columns; c++) firsts[pair * columns + c] = data[(2 * pair + 1) * columns + c]
  }
  const one = { hides: new Float64Array(n), influence: new Float64Array(n) }
  const other = { hides: new Float64Array(n), influence: new Float64Array(n) }
  const moves = labels.map(() => new Float64Array(n))
  const visitPair = (pair: number, influences: Float64Array, at: number) => {
    const row = 2 * pair + 1
    const [weight, otherWeight] = [weights[row], row + 1 < rows ? weights[row + 1] : 0]
    let [own, shared, others] = [1 / total, 1 / total, 1 / total]
    for (let i = 0; i < n; i++) {
      const shown = firsts[pair * columns + features[i]]
      one.hides[i] = 1 - shown - shares[i]
      other.hides[i] = shown - shares[i]
      one.influence[i] = influences[at + i] - centre[i]
      other.influence[i] = everything[i] - influences[at + i] - centre[i]
      own += one.hides[i] * one.influence[i]
      shared += one.hides[i] * other.influence[i]
      others += other.hides[i] * other.influence[i]
    }
    const roots = [Math.sqrt(weight), Math.sqrt(otherWeight)]
    const [a, b, d] = byBlocks
      ? [1, 0, 1]
      : inverseRoot(1 - weight * own, -roots[0] * roots[1] * shared, 1 - otherWeight * others)
    labels.forEach(({ targets, mean, centres }, label) => {
      let [residual, otherResidual] = [targets[row] - mean, (row + 1 < rows ? targets[row + 1] : mean) - mean]
      for (let i = 0; i < n; i++) {
        residual += centres[i] * one.hides[i]
        otherResidual += centres[i] * other.hides[i]
      }
      residual *= roots[0]
      otherResidual *= roots[1]
      const scale = roots[0] * (a * residual + b * otherResidual)
      const otherScale = roots[1] * (b * residual + d * otherResidual)
      const move = moves[label]
      for (let i = 0; i < n; i++) move[i] += scale * one.influence[i] + otherScale * other.influence[i]
    })
    const ends = !byBlocks || (pair + 1) % inBlock === 0 || pair + 1 === pairs
    if (ends) labels.forEach((label, l) => addSquares(label, moves[l], byBlocks ? blocks / (blocks - 1) : 1))
  }
  const bits = yield* part(bitsOfSamples(firsts, pairs, columns, features), 0, 0.05)
  const visit = (first: number, influences: Float64Array) => {
    for (let pair = first, at = 0; at < influences.length; pair++, at += n) visitPair(pair, influences, at)
  }
  yield* part(sumRowsAtOnes(bits, inverse, n, visit), 0.05, 1)
  return byBlocks ? blocks - 1 : freedomOfPairs(rows, n)
}

/** Takes in what a pair or block moves the weights by, and begins anew. */
function addSquares({ variances, neighbours }: DrawnLabel, move: Float64Array, scale: number): void {
  for (let i = 0; i < move.length; i++) variances[i] += scale * move[i] * move[i]
  for (let i = 0; i < neighbours.length; i++) neighbours[i] += scale * move[i] * move[i + 1]
  move.fill(0)
}

/** The inverse square root of [a b; b d], symmetric and positive; where it has no inverse, Moore and Penrose's. */
function inverseRoot(a: number, b: number, d: number): readonly [number, number, number] {
  const trace = a + d
  const determinant = a * d - b * b
  if (trace < alone) return [0, 0, 0]
  if (determinant < alone * trace) {
    const scale = 1 / (trace * Math.sqrt(trace))
    return [scale * a, scale * b, scale * d]
  }
  const s = Math.sqrt(determinant)
  const scale = 1 / (s * Math.sqrt(trace + 2 * s))
  return [scale * (d + s), -scale * b, scale * (a + s)]
}
