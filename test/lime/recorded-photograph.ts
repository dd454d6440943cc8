import { loadModel } from '../../src/engine/facade/load-model.ts'
import type { Model } from '../../src/engine/facade/model.ts'
import { parseSafetensors } from '../../src/engine/formats/safetensors.ts'
import { openDevice } from '../../src/engine/index.ts'
import { type ExplainOptions, type ImageInput, LimeImageExplainer } from '../../src/lime/index.ts'
import { tensorOf } from '../reference-tensors.ts'
import { modelPath, readModelFile } from '../shared-models.ts'
import { segmenterOf } from './recorded-explanation.ts'

/** lime-photo-*.safetensors: what Python's lime says of SqueezeNet on two photographs. */
export const recordedPhotographs = ['chelsea-quickshift', 'coffee-slic'] as const

export function recordedPhotograph(name: (typeof recordedPhotographs)[number]) {
  const file = parseSafetensors(readModelFile(`lime-photo-${name}.safetensors`))
  const { metadata } = file
  const tensor = (key: string) => tensorOf(file, key)
  const image = tensor('image')
  const segmenter = metadata.segmenter === 'default' ? 'default' : `["${metadata.segmenter}", ${metadata.parameters}]`
  return {
    tensor,
    metadata,
    labels: Array.from(tensor('labels').data),
    image: { data: Float64Array.from(image.data, (level) => level / 255), shape: image.shape } satisfies ImageInput,
    explainer: () => new LimeImageExplainer({ randomState: Number(metadata.random_state) }),
    options: {
      topLabels: null,
      numSamples: Number(metadata.num_samples),
      randomSeed: Number(metadata.random_seed),
      hideColor: metadata.hide_color === 'None' ? null : Number(metadata.hide_color),
      segmentationFn: segmenterOf(segmenter),
    } satisfies ExplainOptions,
  }
}

/** The same network, of our own, for pictures from 0 to 1: blue first, 0 to 255, less the training's mean. */
export async function withSqueezenet<T>(use: (model: Model) => Promise<T>): Promise<T> {
  const device = await openDevice('cpu')
  const network = await loadModel(modelPath('squeezenet.onnx'))
  const model = network.forPictures({
    layout: 'NCHW',
    channels: 'bgr',
    scale: [255, 255, 255],
    offset: [-104, -117, -123],
    output: 'logits',
  })
  try {
    await model.compile({ device })
    return await use(model)
  } finally {
    model.dispose()
    device.dispose()
  }
}

/** Largest difference of the labels' probabilities, for as many samples as there are. */
export function probabilityError(
  { data, shape: [samples, classes] }: { readonly data: ArrayLike<number>; readonly shape: readonly number[] },
  labels: readonly number[],
  recorded: ArrayLike<number>,
): number {
  let worst = 0
  for (let sample = 0; sample < samples; sample++)
    labels.forEach((label, i) => {
      const error = Math.abs(data[sample * classes + label] - recorded[sample * labels.length + i])
      // What is not a number is as wrong as can be.
      if (!(error <= worst)) worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error
    })
  return worst
}
