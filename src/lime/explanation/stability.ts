import type { Explanation } from './explanation.ts'

/** How much of an explanation another random state would change, for one label. */
export interface Stability {
  readonly runs: number
  /** The share of pairs of runs whose top features are the same, as a set. */
  readonly sameTop: number
  /** Variables' stability: the share of top features that two runs have in common, the mean over pairs. */
  readonly vsi: number
  /** Coefficients' stability: the share of pairs of runs whose intervals of a top feature overlap, the mean over features. */
  readonly csi: number
  /** The largest difference between two runs' weights of one segment. */
  readonly spread: number
  /** The mean of the surrogates' weighted R². */
  readonly score: number
}

/**
 * The stability indices of Visani, Bagli, Chesani, Poluzzi and Capuzzo ("Statistical stability indices for LIME", Journal of the
 * Operational Research Society 2022) over explanations of one image by several random states, between 0 and 1.
 * @param explanations at least two
 */
export function stabilityOf(explanations: readonly Explanation[], label: number, topFeatures: number): Stability {
  const tops = explanations.map(({ localExp }) => localExp[label].slice(0, topFeatures).map(([segment]) => segment))
  const intervals = explanations.map(
    (explanation) => new Map(explanation.intervals(label).map((interval) => [interval.segment, interval])),
  )
  let [pairs, same, common] = [0, 0, 0]
  const overlaps = new Map<number, { both: number; overlapping: number }>()
  tops.forEach((top, i) => {
    for (let j = i + 1; j < tops.length; j++) {
      const shared = top.filter((segment) => tops[j].includes(segment))
      const size = Math.max(top.length, tops[j].length, 1)
      pairs++
      common += top.length === 0 ? 1 : shared.length / size
      if (shared.length === size || top.length === 0) same++
      for (const segment of shared) {
        const count = overlaps.get(segment) ?? { both: 0, overlapping: 0 }
        const [a, b] = [intervals[i].get(segment), intervals[j].get(segment)]
        count.both++
        if (a && b && a.low <= b.high && b.low <= a.high) count.overlapping++
        overlaps.set(segment, count)
      }
    }
  })
  const shares = [...overlaps.values()].map(({ both, overlapping }) => overlapping / both)
  const weights = new Map<number, number[]>()
  for (const { localExp } of explanations)
    for (const [segment, weight] of localExp[label]) weights.set(segment, [...(weights.get(segment) ?? []), weight])
  const spreads = [...weights.values()].map((values) => Math.max(...values) - Math.min(...values))
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
  return {
    runs: explanations.length,
    sameTop: same / Math.max(1, pairs),
    vsi: common / Math.max(1, pairs),
    csi: shares.length > 0 ? mean(shares) : 1,
    spread: Math.max(0, ...spreads),
    score: mean(explanations.map(({ score }) => score[label])),
  }
}
