import type { GraphNetwork } from '../../model/graph.ts'
import type { AnyLayerDescription } from '../../model/layers/registry.ts'
import { outputActivation } from '../../model/output-activation.ts'
import type { OutputKind } from '../../model/picture-network.ts'
import type { StatedImages } from '../opened-model.ts'

/** What a Keras model's layers say of its pictures and its answers. */

const outputs: Readonly<Record<string, OutputKind>> = {
  softmax: 'probabilities',
  sigmoid: 'sigmoid',
  logSoftmax: 'log-probabilities',
}

export function statedImages(network: GraphNetwork): StatedImages {
  const { inputs, outputs: made, architecture } = network
  if (inputs.length !== 1 || inputs[0].shape.length !== 3) return {}
  const preprocessing = takenPixels(firstLayers(architecture))
  // With several outputs, what the first is says little of the others.
  const activation = made.length === 1 ? outputActivation(network) : null
  return {
    layout: { value: 'NHWC', source: "Keras's channels_last" },
    ...(preprocessing && { preprocessing }),
    ...(activation !== null &&
      Object.hasOwn(outputs, activation) && {
        output: { value: outputs[activation], source: `its last activation, ${activation}` },
      }),
  }
}

type Preprocessing = NonNullable<StatedImages['preprocessing']>

/**
 * What the first layer that changes pixels says of them: the layer is run in the network, so what goes in are the pixels that it takes.
 * One that makes numbers around 1 of x / 255 takes 0 to 255, and one that does so of x takes 0 to 1; another says nothing certain.
 */
function takenPixels(layers: readonly (readonly [string, AnyLayerDescription])[]): Preprocessing | null {
  const [name, layer] = layers.at(-1) ?? []
  const source = `its layer ${name}`
  const scales = { whole: { scale: [1], offset: [0] }, parts: { scale: [1 / 255], offset: [0] } }
  if (layer?.layer === 'rescaling') {
    const { scale } = layer
    if (scale >= 1 / 256 && scale <= 4 / 255) return { value: scales.whole, source }
    if (scale >= 1 && scale <= 4) return { value: scales.parts, source }
  }
  // No mean of numbers from 0 to 1 is as large.
  if (layer?.layer === 'normalization' && Math.max(...[layer.mean].flat()) > 1) return { value: scales.whole, source }
  return null
}

/** Those that the images go through first, one behind the other, to the one that changes their values. */
function firstLayers({ layers, calls }: GraphNetwork['architecture']): (readonly [string, AnyLayerDescription])[] {
  const first: (readonly [string, AnyLayerDescription])[] = []
  for (const [i, { layer, inputs }] of calls.entries()) {
    if (inputs.length !== 1 || inputs[0] !== i) break
    first.push([layer, layers[layer]])
    if (!leavesPixels(layers[layer])) break
  }
  return first
}

const places = new Set(['randomFlip', 'randomTranslation', 'randomCrop', 'zeroPadding2d', 'cropping2d', 'resizing'])

function leavesPixels(layer: AnyLayerDescription): boolean {
  if (layer.layer === 'model') return Object.values(layer.layers).every(leavesPixels)
  return places.has(layer.layer)
}
