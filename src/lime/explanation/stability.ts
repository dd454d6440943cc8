import { check, optionsOf, wholeNumber } from '../../engine/arguments.ts'
import type { Attribution } from './attribution.ts'
import { Explanation } from './explanation.ts'

/** How much of an explanation another random state would change, for one label. */
export interface Stability {
  readonly runs: number
  /** The share of pairs of runs whose top features are the same, as a set. */
  readonly sameTop: number
  /** Variables' stability: the share of top features that two runs have in common, the mean over pairs. */
  readonly vsi: number
  /**
   * Coefficients' stability: the share of pairs of runs whose intervals of a top feature overlap, the mean over features. null for
   * weights without intervals.
   */
  readonly csi: number | null
  /** The largest difference between two runs' weights of one segment. */
  readonly spread: number
  /** The mean of the surrogates' weighted R²; null where there are no surrogates. */
  readonly score: number | null
}

/**
 * The stability indices of Visani, Bagli, Chesani, Poluzzi and Capuzzo ("Statistical stability indices for LIME", Journal of the
 * Operational Research Society 2022) over explanations of one image by several random states, between 0 and 1.
 * @param explanations at least two
 */
export function stabilityOf(explanations: readonly Attribution[], label: number, topFeatures: number): Stability {
  const tops = topsOf(explanations, label, topFeatures)
  let [pairs, same, common] = [0, 0, 0]
  tops.forEach((top, i) => {
    for (let j = i + 1; j < tops.length; j++) {
      const shared = top.filter((segment) => tops[j].includes(segment))
      const size = Math.max(top.length, tops[j].length, 1)
      pairs++
      common += top.length === 0 ? 1 : shared.length / size
      if (shared.length === size || top.length === 0) same++
    }
  })
  const weights = new Map<number, number[]>()
  for (const { localExp } of explanations)
    for (const [segment, weight] of localExp[label]) weights.set(segment, [...(weights.get(segment) ?? []), weight])
  const spreads = [...weights.values()].map((values) => Math.max(...values) - Math.min(...values))
  const surrogates = explanations.filter((explanation) => explanation instanceof Explanation)
  return {
    runs: explanations.length,
    sameTop: same / Math.max(1, pairs),
    vsi: common / Math.max(1, pairs),
    csi: surrogates.length > 0 ? coefficientsStability(surrogates, label, topFeatures) : null,
    spread: Math.max(0, ...spreads),
    score: surrogates.length > 0 ? mean(surrogates.map(({ score }) => score[label])) : null,
  }
}

function topsOf(explanations: readonly Attribution[], label: number, count: number): number[][] {
  return explanations.map(({ localExp }) => localExp[label].slice(0, count).map(([segment]) => segment))
}

function coefficientsStability(explanations: readonly Explanation[], label: number, topFeatures: number): number {
  const tops = topsOf(explanations, label, topFeatures)
  const intervals = explanations.map(
    (explanation) => new Map(explanation.intervals(label).map((interval) => [interval.segment, interval])),
  )
  const overlaps = new Map<number, { both: number; overlapping: number }>()
  tops.forEach((top, i) => {
    for (let j = i + 1; j < tops.length; j++)
      for (const segment of top.filter((each) => tops[j].includes(each))) {
        const count = overlaps.get(segment) ?? { both: 0, overlapping: 0 }
        const [a, b] = [intervals[i].get(segment), intervals[j].get(segment)]
        count.both++
        if (a && b && a.low <= b.high && b.low <= a.high) count.overlapping++
        overlaps.set(segment, count)
      }
  })
  const shares = [...overlaps.values()].map(({ both, overlapping }) => overlapping / both)
  return shares.length > 0 ? mean(shares) : 1
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}

interface StabilityOptions {
  /** How many explanations; 10 unless given. */
  readonly runs?: number
  /** How many features are the top ones; 5 unless given. */
  readonly topFeatures?: number
}

const stabilityOptions = optionsOf<StabilityOptions>({ runs: wholeNumber(2, 10_000), topFeatures: wholeNumber(1) })

/**
 * Explains again and again, and says how much the explanations differ.
 * @param explain explains an image, each time with other samples; from the second time on it gets the first explanation, whose
 *   segments and labels it shall explain, too
 * @returns label -> its stability, for the labels of the first
 * @throws ArgumentError for options outside their range
 */
export async function stabilityOfRuns(
  explain: (first: Attribution | null) => Promise<Attribution>,
  { runs = 10, topFeatures = 5 }: StabilityOptions = {},
): Promise<Map<number, Stability>> {
  check('stability', stabilityOptions, { runs, topFeatures })
  const first = await explain(null)
  const explanations = [first]
  while (explanations.length < runs) explanations.push(await explain(first))
  return new Map(first.labels.map((label) => [label, stabilityOf(explanations, label, topFeatures)]))
}
