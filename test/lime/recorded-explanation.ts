import type { Safetensors } from '../../src/engine/formats/safetensors.ts'
import {
  type ExplainOptions,
  type ImageInput,
  LimeImageExplainer,
  quickshift,
  type SegmentationFn,
  segmenterNamed,
} from '../../src/lime/index.ts'
import { tensorOf } from '../reference-tensors.ts'

/** lime-*.safetensors: Python's whole explanations. */
export const recordedNames = [
  'tutorial-true-quickshift',
  'tutorial-true-felzenszwalb',
  'tutorial-wrong-felzenszwalb',
  'tutorial-sequence-2nd',
  'tutorial-sequence-3rd',
  'no-random-seed',
  'quickshift-fine',
  'quickshift-very-fine-few-samples',
  'hide-color-0',
  'forward-selection',
  'lasso-path',
  'highest-weights',
  'feature-none',
  'kernel-width-1',
  'labels-given-slic',
  'colour-quickshift',
] as const

export function recordedExplanation(file: Safetensors) {
  const tensor = (key: string) => tensorOf(file, key)
  const image = tensor('image_u8')
  const explainerOptions = JSON.parse(file.metadata.explainer)
  const call = JSON.parse(file.metadata.explain_instance)
  return {
    tensor,
    numbers: (key: string) => Array.from(tensor(key).data),
    metadata: file.metadata,
    image: { data: Float64Array.from(image.data, (value) => value / 255), shape: image.shape } satisfies ImageInput,
    explainer: () =>
      new LimeImageExplainer({
        randomState: explainerOptions.random_state,
        kernelWidth: explainerOptions.kernel_width,
        featureSelection: explainerOptions.feature_selection,
      }),
    options: {
      labels: call.labels,
      topLabels: call.top_labels,
      numFeatures: call.num_features,
      numSamples: call.num_samples,
      batchSize: call.batch_size,
      randomSeed: call.random_seed,
      hideColor: call.hide_color,
      segmentationFn: segmenterOf(file.metadata.segmentation),
    } satisfies ExplainOptions,
  }
}

export function segmenterOf(description: string): SegmentationFn {
  if (description.startsWith('default')) return quickshift({ kernelSize: 4, maxDist: 200, ratio: 0.2 })
  const parsed = description.startsWith('[') ? JSON.parse(description) : [description, {}]
  return segmenterNamed(parsed[0], parsed[1])
}
