import { freedomOf, type WeightInterval } from '../fit/confidence.ts'
import type { Evidence } from '../fit/evidence.ts'
import type { Surrogate } from '../fit/surrogate.ts'
import type { Steps } from '../steps.ts'

/** What a reader of an explanation should know about the fit: where there was nothing to fit, and where the penalty decides. */

/** Samples that together weigh less than this share of the penalty leave next to nothing of any weight. */
const leastWeighed = 1e-3

/** A bias below this share of the largest weight of all labels is of no account, however narrow the interval. */
const leastBias = 1e-2

/** @param alpha the penalty; null for a regressor of the caller @param intervals null as well then */
export function* caveatsOfFit(
  evidence: Evidence,
  surrogates: ReadonlyMap<number, Surrogate>,
  intervals: ReadonlyMap<number, readonly WeightInterval[]> | null,
  alpha: number | null,
): Steps<string[]> {
  const { samples, labels, sampled } = evidence
  const { apart, columns } = yield* evidence.moments()
  if (samples === 1 && columns > 0)
    return ['the only sample is the image itself: nothing can be explained; take more samples']
  if (apart <= leastWeighed * (alpha ?? 0))
    return [
      'the kernel gives next to no weight to anything but the image itself: nothing can be explained; take a wider kernel',
    ]
  const flat: number[] = []
  for (const label of labels) if ((yield* evidence.targetOf(label)).square === 0) flat.push(label)
  const caveats = caveatsOfAnswers(labels, flat)
  if (alpha === null) return caveats
  const features = Math.max(0, ...Array.from(surrogates.values(), ({ weights }) => weights.length))
  if (sampled && freedomOf(samples, features, sampled.design) < 1) caveats.push(tooFewSamples(samples, features))
  else if (intervals) {
    const caveat = penaltyCaveat(intervals)
    if (caveat) caveats.push(penaltyInWords(caveat, alpha))
  }
  return caveats
}

/** @param flat labels whose answers were all the same */
export function caveatsOfAnswers(labels: readonly number[], flat: readonly number[]): string[] {
  if (flat.length === 0) return []
  if (flat.length === labels.length)
    return ['the classifier answers every mixture alike, whatever is hidden: nothing can be explained']
  return [
    `the answer for label${flat.length > 1 ? 's' : ''} ${flat.join(', ')} is the same whatever is hidden: nothing can be explained there`,
  ]
}

export function tooFewSamples(samples: number, segments: number): string {
  return `${samples} samples are too few for ${segments} segments: others would give other weights, and nothing says where endless samples lead; take more samples or fewer segments`
}

/** A weight that the penalty holds far from where endless samples would put it. */
export interface PenaltyCaveat {
  readonly label: number
  readonly interval: WeightInterval
}

/**
 * The weight that the penalty changes most, where it changes it by more than samples do.
 * @param intervals label -> those of its weights
 */
export function penaltyCaveat(intervals: ReadonlyMap<number, readonly WeightInterval[]>): PenaltyCaveat | null {
  let worst: (PenaltyCaveat & { bias: number }) | null = null
  const middles = Array.from(intervals.values(), (each) => each.map(({ low, high }) => Math.abs(low + high) / 2)).flat()
  const least = leastBias * middles.reduce((largest, middle) => Math.max(largest, middle), 0)
  for (const [label, each] of intervals) {
    for (const interval of each) {
      const { weight, low, high } = interval
      const bias = Math.abs(weight - (low + high) / 2)
      const isOutside = weight < low || weight > high
      if (isOutside && bias > Math.max(least, worst?.bias ?? 0)) worst = { label, interval, bias }
    }
  }
  return worst
}

export function penaltyInWords(
  { label, interval: { segment, weight, low, high } }: PenaltyCaveat,
  alpha: number,
): string {
  const [from, to] = [low, high].map((value) => value.toPrecision(3))
  return `the penalty of the ridge (alpha ${alpha}) changes weights by more than samples do: with endless samples segment ${segment} would weigh ${from === to ? from : `${from} to ${to}`} for label ${label}, not ${weight.toPrecision(3)}; take more samples, 'exact', or alpha 0`
}
