import type { Architecture, LayerDescription } from '../../../engine/index.ts'

/** The layers people put together on the page. The last one, a softmax over the classes, is always there. */
export type LayerChoice =
  | { readonly kind: 'conv2d'; readonly filters: number; readonly kernelSize: number }
  | { readonly kind: 'maxPooling2d' }
  | { readonly kind: 'dense'; readonly units: number }
  | { readonly kind: 'dropout'; readonly rate: number }

export const layerTitles: Readonly<Record<LayerChoice['kind'], string>> = {
  conv2d: 'Convolution',
  maxPooling2d: 'Max pooling 2 × 2',
  dense: 'Dense',
  dropout: 'Dropout',
}

/** A layer of a kind, as it is when it is added. */
export const newLayers: Readonly<Record<LayerChoice['kind'], LayerChoice>> = {
  conv2d: { kind: 'conv2d', filters: 16, kernelSize: 3 },
  maxPooling2d: { kind: 'maxPooling2d' },
  dense: { kind: 'dense', units: 64 },
  dropout: { kind: 'dropout', rate: 0.25 },
}

/** More are of no use on pictures so small, and would take hours. */
export const maxLayers = 10

/** The tutorial's own. */
export const tutorialLayers: readonly LayerChoice[] = [48, 32, 16].map((filters) => ({
  kind: 'conv2d',
  filters,
  kernelSize: 3,
}))

/** The network of these layers: flattened before the first dense one, a softmax over `classes` at the end. */
export function architectureOf(
  layers: readonly LayerChoice[],
  inputShape: readonly number[],
  classes: number,
  seed: number,
): Architecture {
  const stack: LayerDescription[] = []
  let isFlat = false
  const flatten = () => {
    if (!isFlat) stack.push({ layer: 'flatten' })
    isFlat = true
  }
  for (const choice of layers) {
    if (choice.kind === 'dense') flatten()
    stack.push(described(choice))
  }
  flatten()
  stack.push({ layer: 'dense', units: classes, activation: 'softmax' })
  return { inputShape, seed, layers: stack }
}

function described(choice: LayerChoice): LayerDescription {
  switch (choice.kind) {
    case 'conv2d': {
      const { filters, kernelSize } = choice
      return { layer: 'conv2d', filters, kernelSize, padding: 'same', activation: 'relu' }
    }
    case 'maxPooling2d':
      return { layer: 'maxPooling2d' }
    case 'dense':
      return { layer: 'dense', units: choice.units, activation: 'relu' }
    case 'dropout':
      return { layer: 'dropout', rate: choice.rate }
  }
}
