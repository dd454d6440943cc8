import { numberFrom, oneOf, positiveNumber, shown, text, wholeNumber } from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import { featureSelectionNamed, selectionFor } from '../fit/feature-selection.ts'
import { distanceMetricNamed } from '../samples/distances.ts'
import { samplingDesigns } from '../samples/sampling.ts'
import { alphaFor, designFor, LimeImageExplainer } from './lime.ts'
import { type Method, sharedOptions } from './method.ts'
import { autoSamplesDefaults, autoSamplesOptions } from './settled-evidence.ts'
import type { ShapleyImageExplainer } from './shapley.ts'
import { mostSegments, samplesOr } from './subject.ts'

/** The ways of explaining: a row says what a request may ask of one, and makes the explainer, which is a file of its own. */

const lime: Method = {
  title: 'LIME',
  fields: {
    samples: samplesOr('exact', 'auto'),
    sampling: oneOf(...samplingDesigns),
    autoSamples: autoSamplesOptions,
    alpha: numberFrom(0),
    kernelWidth: positiveNumber(),
    distanceMetric: text,
    featureSelection: text,
    numFeatures: wholeNumber(1),
  },
  complete({ samples = 1000, kernelWidth = 0.25, distanceMetric = 'cosine', featureSelection = 'auto', ...others }) {
    const { alpha = alphaFor(samples), sampling = designFor(samples), autoSamples = {} } = others
    const { topFeatures = autoSamplesDefaults.topFeatures, most = autoSamplesDefaults.most } = autoSamples
    // An image has no more segments: as many are all of them.
    const numFeatures = Math.min(others.numFeatures ?? mostSegments, mostSegments)
    const selection = selectionFor(featureSelectionNamed(featureSelection), numFeatures)
    return {
      samples,
      ...(samples !== 'exact' && { sampling }),
      ...(samples === 'auto' && { autoSamples: { topFeatures, most } }),
      alpha,
      kernelWidth,
      distanceMetric: distanceMetricNamed(distanceMetric),
      featureSelection: selection,
      ...(selection !== 'none' && { numFeatures }),
    }
  },
  draws: ({ samples }) => samples !== 'exact',
  explainer(request) {
    const { samples, sampling, autoSamples, alpha, kernelWidth, distanceMetric, featureSelection, numFeatures } =
      request
    const explainer = new LimeImageExplainer({ kernelWidth, featureSelection, randomState: request.randomState })
    return (image, predictor, call = {}) =>
      explainer.explainInstance(image, predictor, {
        ...sharedOptions(request, call),
        keepSamples: call.keepSamples,
        onRough: call.onRough,
        numSamples: samples,
        sampling,
        autoSamples,
        alpha,
        distanceMetric,
        numFeatures,
      })
  },
}

const shapley: Method = {
  title: 'Shapley values',
  fields: { samples: samplesOr('exact'), of: oneOf('probability', 'logit') },
  complete: ({ samples = 1000, of = 'probability' }) => (of === 'logit' ? { of } : { samples, of }),
  draws: ({ samples, of }) => of !== 'logit' && samples !== 'exact',
  explainer(request) {
    const { of, samples, randomState } = request
    // No request for Shapley values may say 'auto'.
    const numSamples = samples === 'auto' ? undefined : samples
    let explainer: ShapleyImageExplainer | null = null
    return async (image, predictor, call = {}) => {
      // Loaded when it is asked for: the page's first explanation, LIME's, does without.
      const { ShapleyImageExplainer } = await import('./shapley.ts')
      explainer ??= new ShapleyImageExplainer({ randomState })
      return explainer.explainInstance(image, predictor, {
        ...sharedOptions(request, call),
        of,
        numSamples,
        onRough: call.onRough,
      })
    }
  },
}

/** By these names requests, the command and the page's address speak of them. */
export const methodNames = ['lime', 'shapley'] as const

export type MethodName = (typeof methodNames)[number]

/** @internal */
export const methods: Readonly<Record<MethodName, Method>> = { lime, shapley }

/** @throws ArgumentError for another name, listing the valid ones */
export function methodNamed(name: string): MethodName {
  const found = methodNames.find((each) => each === name)
  if (found) return found
  throw new ArgumentError(`there is no method ${shown(name)}; valid are ${methodNames.join(', ')}`)
}
