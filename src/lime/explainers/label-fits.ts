import { caveatsOfFit } from '../explanation/caveats.ts'
import { intervalsOf, type WeightInterval } from '../fit/confidence.ts'
import type { Evidence } from '../fit/evidence.ts'
import type { FeatureSelection } from '../fit/feature-selection.ts'
import { fitSurrogate, type ModelRegressor, type Surrogate } from '../fit/surrogate.ts'
import type { DistanceMetric } from '../samples/distances.ts'
import type { SamplingDesign } from '../samples/sampling.ts'
import { inTurns, part, type Steps } from '../steps.ts'
import type { SubjectOptions } from './subject.ts'

/** How surrogates are fitted. */
export interface FitSettings {
  readonly design: SamplingDesign
  readonly numFeatures: number
  readonly featureSelection: FeatureSelection
  readonly distanceMetric: DistanceMetric
  readonly alpha: number
  readonly modelRegressor: ModelRegressor | undefined
  readonly compatible: boolean | undefined
  readonly verbose: boolean
}

/** The linear model that stands for the classifier where one label is asked about. */
export function* surrogateOf(evidence: Evidence, label: number, settings: FitSettings): Steps<Surrogate> {
  const { sampled } = evidence
  const { modelRegressor } = settings
  const moments = yield* evidence.moments()
  const target = yield* evidence.targetOf(label)
  const regression =
    modelRegressor && sampled
      ? { regressor: modelRegressor, samples: yield* sampled.moments(), targets: sampled.targetsOf(label) }
      : undefined
  return yield* fitSurrogate(moments, target, { ...settings, regression })
}

/** The labels' surrogates, how sure their weights are, and what is to be said of them. */
export interface LabelFits {
  readonly surrogates: ReadonlyMap<number, Surrogate>
  /** null where nothing is known of them. */
  readonly intervals: ReadonlyMap<number, readonly WeightInterval[]> | null
  readonly caveats: readonly string[]
}

/** Fits a surrogate for each label. */
export async function fitLabels(
  evidence: Evidence,
  settings: FitSettings,
  { signal, onProgress }: Pick<SubjectOptions, 'signal' | 'onProgress'>,
): Promise<LabelFits> {
  const { labels, original } = evidence
  const { modelRegressor, alpha, verbose } = settings
  // The labels' fits, and their intervals.
  const total = labels.length + 1
  const tell = (done: number) => onProgress?.({ phase: 'fit', done, total })
  const surrogates = new Map<number, Surrogate>()
  function* fitting(): Steps<LabelFits> {
    for (const [index, label] of labels.entries()) {
      const surrogate = yield* part(surrogateOf(evidence, label, settings), index / total, (index + 1) / total)
      surrogates.set(label, surrogate)
      if (verbose)
        console.warn(
          `Intercept ${surrogate.intercept}\nPrediction_local ${surrogate.localPrediction}\nRight: ${original[label]}`,
        )
      tell(surrogates.size)
    }
    const intervals = modelRegressor
      ? null
      : yield* part(intervalsOf(evidence, surrogates, alpha), labels.length / total, 1)
    tell(total)
    const caveats = yield* caveatsOfFit(evidence, surrogates, intervals, modelRegressor ? null : alpha)
    return { surrogates, intervals, caveats }
  }
  return inTurns(fitting(), signal, (share) => tell(share * total))
}
