import type { SamplingDesign } from '../samples/sampling.ts'
import { part, rowsAStep, type Steps } from '../steps.ts'
import { factorPositive } from './cholesky.ts'
import type { Evidence } from './evidence.ts'
import { bitsOfFeatures, bitsOfSamples, sumRowsAtOnes } from './mask-products.ts'
import type { SampleMoments } from './moments.ts'
import { addErrorsOfPairs, type DrawnFit, type DrawnLabel, freedomOfPairs } from './pair-errors.ts'
import { factorOfSamples, ridge } from './ridge.ts'
import type { Surrogate } from './surrogate.ts'

/**
 * How far a surrogate fitted to samples may be from the one that endlessly many samples give: from LIME's limit.
 *
 * What separates them is not only which samples were drawn. The ridge's penalty shrinks weights, by much where segments are few,
 * and the image itself, put first, counts although nobody drew it. So an interval is not laid around the weight: its middle is the
 * fit without penalty to the samples drawn, which has the limit for its mean. Its width is of what each sample, left out, would
 * move that fit by (the jackknife, or HC3: MacKinnon and White, Journal of Econometrics 1985): residuals are what a linear model
 * can't say of the classifier, not noise of one size, and masks are drawn, too. Student's t stands in for the normal distribution. Balanced masks are no independent draws: what
 * stands in for samples there, pair-errors.ts has.
 *
 * Samples that are hardly more than segments leave the limit open. Then the interval is of the ridge's own weights: where other
 * samples would put them.
 */

/** A weight, and where it would be, with 95 % confidence, with endlessly many samples and no penalty. */
export interface WeightInterval {
  readonly segment: number
  readonly weight: number
  /** Where the ridge's bias is large beside the width, the weight itself lies outside. */
  readonly low: number
  readonly high: number
}

/** What samples know of a label's weights. */
export interface Estimate {
  /** The limit, as far as it is known, in the order of the features. */
  readonly centres: Float64Array
  /** Their variances over draws of the samples, [features]. */
  readonly variances: Float64Array
  /** Each centre's covariance with the next one's, [features - 1]; empty unless asked for. */
  readonly neighbours: Float64Array
  /** Degrees of freedom that the variances have: samples drawn beyond those that the fit takes. With less than one the limit stays open. */
  freedom: number
}

/** A sample that alone decides some weight: how that weight varies can't be told from it. */
const alone = 1e-9

/**
 * For labels whose surrogates have the same features.
 * @param targets of each label, [rows], the image's first
 * @param alpha the surrogates' penalty: of use where the limit stays open
 * @param design how the samples were drawn
 * @param withNeighbours whether covariances of neighbours are asked for
 */
export function* estimatesOf(
  moments: SampleMoments,
  targets: readonly Float64Array[],
  features: ArrayLike<number>,
  alpha: number,
  design: SamplingDesign,
  withNeighbours = false,
): Steps<Estimate[]> {
  const n = features.length
  const freedom = freedomOf(moments.rows, n, design)
  const estimates = targets.map(() => ({
    centres: new Float64Array(n),
    variances: new Float64Array(n),
    neighbours: new Float64Array(withNeighbours ? Math.max(0, n - 1) : 0),
    freedom,
  }))
  // With no weight but the image's own there is nothing to tell.
  if (moments.apart > 0 && n > 0)
    if (freedom >= 1) yield* fromDrawn(moments, targets, features, estimates, design)
    else yield* fromRidge(moments, targets, features, alpha, estimates)
  return estimates
}

/** Samples drawn beyond those that a fit of so many features takes. @param samples the image among them */
export function freedomOf(samples: number, features: number, design: SamplingDesign): number {
  return design === 'balanced' ? freedomOfPairs(samples, features) : samples - 2 - features
}

/** The fit without penalty to the samples drawn: all but the first. */
function* fromDrawn(
  moments: SampleMoments,
  targets: readonly Float64Array[],
  features: ArrayLike<number>,
  estimates: readonly Estimate[],
  design: SamplingDesign,
): Steps<void> {
  const { columns, weights, hidden } = moments
  const n = features.length
  const total = moments.total - weights[0]
  const shares = Float64Array.from({ length: n }, (_, i) => hidden[features[i]] / total)
  const matrix = yield* part(moments.gram(features), 0, 0.2)
  // The image hides nothing: without it only the means are others.
  const change = total * (total / moments.total - 1)
  const step = rowsAStep(n)
  for (let i = 0; i < n; i++) {
    if (i % step === step - 1) yield 0.2
    for (let j = 0; j < n; j++) matrix[i * n + j] += change * shares[i] * shares[j]
  }
  const factor = yield* part(factorPositive(matrix, n), 0.2, 0.4)
  const inverse = yield* part(factor.inverse(), 0.4, 0.7)
  const centre = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    if (i % step === step - 1) yield 0.7
    for (let j = 0; j < n; j++) centre[i] += inverse[i * n + j] * shares[j]
  }
  const labels: DrawnLabel[] = []
  for (const values of targets) {
    const sums = yield* moments.targetSums(values)
    const mean = sums.total / total
    const products = Float64Array.from({ length: n }, (_, i) => total * mean * shares[i] - sums.hidden[features[i]])
    const estimate = estimates[labels.length]
    estimate.centres.set(factor.solve(products))
    labels.push({ ...estimate, targets: values, mean: values[0] + mean })
  }
  if (design === 'balanced') {
    const fit: DrawnFit = { moments, features, total, shares, inverse, centre }
    const freedom = yield* part(addErrorsOfPairs(fit, labels, columns), 0.7, 1)
    for (const estimate of estimates) estimate.freedom = freedom
    return
  }
  // The samples of a mask have all but their targets in common.
  const { data, masks, rows, starts } = moments.rowsByMask()
  const bits = yield* part(bitsOfSamples(data, masks, columns, features), 0.7, 0.72)
  const hides = new Float64Array(n)
  const visit = (first: number, influences: Float64Array) => {
    for (let mask = first, at = 0; at < influences.length; mask++, at += n) {
      const from = starts[mask]
      const to = starts[mask + 1]
      if (from === to) continue
      let leverage = 1 / total
      for (let i = 0; i < n; i++) {
        const influence = influences[at + i] - centre[i]
        const hidden = 1 - data[mask * columns + features[i]] - shares[i]
        influences[at + i] = influence
        hides[i] = hidden
        leverage += hidden * influence
      }
      for (const label of labels) addMoved(label, influences, at, hides, leverage, weights, rows, from, to)
    }
  }
  yield* part(sumRowsAtOnes(bits, inverse, n, visit), 0.72, 1)
}

/**
 * Adds up squares of what leaving a sample out moves the centres by, and products of neighbours, for the samples of one mask,
 * rows[from..to]: for each it is the mask's influence, times as much as the sample's residual asks for.
 * @param influences of several masks; this one's begins at `at`
 * @param hides [features] what the mask hides, less the mean over the samples
 */
function addMoved(
  { targets, mean, centres, variances, neighbours }: DrawnLabel,
  influences: Float64Array,
  at: number,
  hides: Float64Array,
  leverage: number,
  weights: Float64Array,
  rows: Int32Array,
  from: number,
  to: number,
): void {
  const n = hides.length
  let expected = mean
  for (let i = 0; i < n; i++) expected -= centres[i] * hides[i]
  let square = 0
  for (let k = from; k < to; k++) {
    const row = rows[k]
    const left = 1 - weights[row] * leverage
    if (row === 0 || left < alone) continue
    const scale = (weights[row] * (targets[row] - expected)) / left
    square += scale * scale
  }
  for (let i = 0; i < n; i++) {
    const own = influences[at + i]
    variances[i] += square * own * own
  }
  for (let i = 0; i < neighbours.length; i++) neighbours[i] += square * influences[at + i] * influences[at + i + 1]
}

/** The ridge itself, by its dual system (see ridge.ts): there are hardly more samples than features. */
function* fromRidge(
  moments: SampleMoments,
  targets: readonly Float64Array[],
  features: ArrayLike<number>,
  alpha: number,
  estimates: readonly Estimate[],
): Steps<void> {
  const { data, rows, columns, weights, hidden, total } = moments
  const factor = yield* part(factorOfSamples(moments, alpha, features), 0, 0.4)
  const inverse = yield* part(factor.inverse(), 0.4, 0.6)
  const roots = weights.map(Math.sqrt)
  const moves: { deviations: Float64Array; residuals: Float64Array }[] = []
  for (const values of targets) {
    const mean = (yield* moments.targetSums(values)).total / total
    const deviations = values.map((value, row) => roots[row] * (value - values[0] - mean))
    // A sample's residual if it were left out. √W 1, which the centred columns know nothing of, is taken out of the inverse.
    const residuals = factor.solve(deviations).map((value, row) => {
      const own = inverse[row * rows + row] - (alpha > 0 ? weights[row] / (alpha * total) : 0)
      return own > alone ? value / own : 0
    })
    moves.push({ deviations, residuals })
  }
  const sums = new Float64Array(rows)
  const step = rowsAStep(rows)
  for (let s = 0; s < rows; s++) {
    if (s % step === 0) yield 0.6
    for (let r = 0; r < rows; r++) {
      inverse[s * rows + r] *= roots[s]
      sums[r] += inverse[s * rows + r]
    }
  }
  const bits = yield* part(bitsOfFeatures(data, rows, columns, features), 0.6, 0.65)
  const visit = (first: number, influences: Float64Array) => {
    for (let i = first, at = 0; at < influences.length; i++, at += rows) {
      const share = hidden[features[i]] / total
      for (let row = 0; row < rows; row++) influences[at + row] = share * sums[row] - influences[at + row]
      moves.forEach(({ deviations, residuals }, label) => {
        let [centre, variance] = [0, 0]
        for (let row = 0; row < rows; row++) {
          const own = influences[at + row]
          const moved = own * residuals[row]
          centre += own * deviations[row]
          variance += moved * moved
        }
        estimates[label].centres[i] = centre
        estimates[label].variances[i] = variance
      })
    }
  }
  yield* part(sumRowsAtOnes(bits, inverse, rows, visit), 0.65, 1)
}

/**
 * The intervals of surrogates' weights, by label and in the weights' order. Where all masks were taken they have no width.
 * @param alpha the surrogates' penalty
 */
export function* intervalsOf(
  evidence: Evidence,
  surrogates: ReadonlyMap<number, Pick<Surrogate, 'weights'>>,
  alpha: number,
): Steps<Map<number, readonly WeightInterval[]>> {
  const intervals = new Map<number, readonly WeightInterval[]>()
  const { sampled } = evidence
  if (!sampled) {
    for (const [label, { weights }] of surrogates) {
      const features = weights.map(([segment]) => segment)
      const limits =
        alpha === 0
          ? weights.map(([, weight]) => weight)
          : (yield* ridge(yield* evidence.moments(), yield* evidence.targetOf(label), 0, features)).coefficients
      intervals.set(
        label,
        weights.map(([segment, weight], i) => ({ segment, weight, low: limits[i], high: limits[i] })),
      )
    }
    return intervals
  }
  // Labels with the same features share what takes long.
  const groups = new Map<string, { features: number[]; labels: number[] }>()
  for (const [label, { weights }] of surrogates) {
    const features = weights.map(([segment]) => segment).sort((a, b) => a - b)
    const key = features.join()
    const group = groups.get(key) ?? { features, labels: [] }
    groups.set(key, group)
    group.labels.push(label)
  }
  let done = 0
  for (const { features, labels } of groups.values()) {
    const { moments, targetsOf, design } = sampled
    const estimating = estimatesOf(yield* moments(), labels.map(targetsOf), features, alpha, design)
    const estimates = yield* part(estimating, done / groups.size, ++done / groups.size)
    const placeOf = new Map(features.map((feature, i) => [feature, i]))
    labels.forEach((label, at) => {
      const { weights } = surrogates.get(label) ?? { weights: [] }
      const { centres, variances, freedom } = estimates[at]
      const width = widthOf95(freedom)
      intervals.set(
        label,
        weights.map(([segment, weight]) => {
          const i = placeOf.get(segment) ?? 0
          const reach = width * Math.sqrt(variances[i])
          return { segment, weight, low: centres[i] - reach, high: centres[i] + reach }
        }),
      )
    })
  }
  return intervals
}

/** Of the standard normal distribution, between which and its negative 95 % lie. */
const normalWidth = 1.959963984540054

/** The same of Student's t; by Fisher's expansion, within 1e-3 from three degrees of freedom on. */
function widthOf95(freedom: number): number {
  if (freedom < 1) return normalWidth
  if (freedom < 3) return freedom < 2 ? 12.706204736432095 : 4.302652729696142
  const z = normalWidth
  // Products: engines round powers each in their own way.
  const z3 = z * z * z
  const z5 = z3 * z * z
  const z7 = z5 * z * z
  return (
    z +
    (z3 + z) / (4 * freedom) +
    (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom ** 3)
  )
}

/**
 * How likely it is that the order of the `count` largest |weights| is not what it seems: the sum over neighbours of the chance
 * that the smaller one is in truth the larger.
 * @param estimate in the order of the weights
 */
export function chanceOfAnotherOrder({ centres, variances, neighbours, freedom }: Estimate, count: number): number {
  if (freedom < 1) return 1
  let chance = 0
  for (let i = 0; i < Math.min(count, centres.length - 1); i++) {
    const [a, b] = [centres[i], centres[i + 1]]
    const same = Math.sign(a) * Math.sign(b)
    const variance = variances[i] + variances[i + 1] - 2 * same * neighbours[i]
    const difference = Math.abs(a) - Math.abs(b)
    chance += variance > 0 ? studentTail(difference / Math.sqrt(variance), freedom) : difference > 0 ? 0 : 0.5
  }
  return chance
}

/** P(T > t) of Student's t, within 5e-3 from five degrees of freedom on, 1e-3 from ten (Abramowitz and Stegun, 26.7.8). */
function studentTail(t: number, freedom: number): number {
  return normalTail((t * (1 - 1 / (4 * freedom))) / Math.sqrt(1 + (t * t) / (2 * freedom)))
}

/** P(Z > z), within 8e-8 (Abramowitz and Stegun, 26.2.17). */
function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z)
  const t = 1 / (1 + 0.2316419 * z)
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return (series * Math.exp(-(z ** 2) / 2)) / Math.sqrt(2 * Math.PI)
}
