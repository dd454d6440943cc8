import { flag, optionsOf, text, wholeNumber } from '../../arguments.ts'
import { conv2d as convolve } from '../../ops/conv2d.ts'
import { type Padding, type Pair, pair, pairOf } from '../../ops/window.ts'
import { type ActivationName, activationName, activations } from './activations.ts'
import { type LayerKind, withBias } from './layer.ts'
import { padding, walkOver } from './window.ts'

export interface Conv2dConfig {
  readonly filters: number
  /** Height and width of the window, or one number for both. */
  readonly kernelSize: Pair
  readonly strides?: Pair
  readonly padding?: Padding
  readonly activation?: ActivationName
  readonly useBias?: boolean
}

export interface Conv2dLayer extends Conv2dConfig {
  readonly layer: 'conv2d'
}

/** Keras's Conv2D: filters over a window, strides 1, padding 'valid', a bias and no activation unless given. */
export function conv2d(config: Conv2dConfig): Conv2dLayer {
  return { layer: 'conv2d', ...config }
}

/** @internal */
export const conv2dKind: LayerKind<Conv2dLayer> = {
  options: optionsOf<Conv2dLayer>(
    {
      layer: text,
      filters: wholeNumber(1),
      kernelSize: pair,
      strides: pair,
      padding,
      activation: activationName,
      useBias: flag,
    },
    'filters',
    'kernelSize',
  ),
  build(caller, { filters, kernelSize, strides, padding, activation = 'linear', useBias }, input) {
    const [height, width] = pairOf(caller, kernelSize)
    const activate = activations[activation]
    const outputs = walkOver(caller, input, 'kernelSize', kernelSize, strides ?? 1, padding)
    return {
      type: 'Conv2D',
      outputShape: [...outputs, filters],
      weights: [
        { name: 'kernel', shape: [height, width, input[2], filters], initializer: 'glorotUniform' },
        ...withBias(useBias, filters),
      ],
      apply: (x, [kernel, bias]) => activate(convolve(x, kernel, { strides, padding, bias })),
    }
  },
}
