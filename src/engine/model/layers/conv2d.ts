import { optionsOf, wholeNumber } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { conv2d as convolve } from '../../ops/conv2d.ts'
import { pairOf } from '../../ops/window.ts'
import { activations } from './activations.ts'
import { type ConvolutionConfig, convolutionOptions } from './convolution.ts'
import { type LayerKind, withBias } from './layer.ts'
import { walkOver } from './window.ts'

export interface Conv2dConfig extends ConvolutionConfig {
  readonly filters: number
  /** Parts that the channels are cut into, each seen by filters of its own: 1 unless given. */
  readonly groups?: number
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
    { ...convolutionOptions, filters: wholeNumber(1), groups: wholeNumber(1) },
    'filters',
    'kernelSize',
  ),
  build(caller, description, input) {
    const {
      filters,
      kernelSize,
      strides,
      padding,
      dilationRate,
      groups = 1,
      activation = 'linear',
      useBias,
    } = description
    const [height, width] = pairOf(caller, kernelSize)
    const activate = activations[activation]
    const outputs = walkOver(caller, input, 'kernelSize', kernelSize, strides ?? 1, padding, dilationRate)
    if (input[2] % groups !== 0 || filters % groups !== 0)
      throw new ShapeError(
        `${caller}: ${groups} groups given for ${input[2]} channels and ${filters} filters; expected a number that divides both`,
      )
    return {
      type: 'Conv2D',
      outputShape: [...outputs, filters],
      weights: [
        { name: 'kernel', shape: [height, width, input[2] / groups, filters], initializer: 'glorotUniform' },
        ...withBias(useBias, filters),
      ],
      apply: (x, [kernel, bias]) =>
        activate(convolve(x, kernel, { strides, padding, dilation: dilationRate, groups, bias })),
    }
  },
}
