import { optionsOf, wholeNumber } from '../../arguments.ts'
import { conv2d } from '../../ops/conv2d.ts'
import { depthwiseConv2d } from '../../ops/depthwise-conv2d.ts'
import { pairOf } from '../../ops/window.ts'
import { activations } from './activations.ts'
import { type ConvolutionConfig, convolutionOptions } from './convolution.ts'
import { type LayerKind, withBias } from './layer.ts'
import { walkOver } from './window.ts'

export interface SeparableConv2dConfig extends ConvolutionConfig {
  readonly filters: number
  /** Channels that each channel becomes before they are mixed: 1 unless given. */
  readonly depthMultiplier?: number
}

export interface SeparableConv2dLayer extends SeparableConv2dConfig {
  readonly layer: 'separableConv2d'
}

/**
 * Keras's SeparableConv2D: windows over each channel by itself, then filters that mix the channels of a pixel; strides 1, padding
 * 'valid', a bias (after both) and no activation unless given.
 */
export function separableConv2d(config: SeparableConv2dConfig): SeparableConv2dLayer {
  return { layer: 'separableConv2d', ...config }
}

/** @internal */
export const separableConv2dKind: LayerKind<SeparableConv2dLayer> = {
  options: optionsOf<SeparableConv2dLayer>(
    { ...convolutionOptions, filters: wholeNumber(1), depthMultiplier: wholeNumber(1) },
    'filters',
    'kernelSize',
  ),
  build(caller, description, input) {
    const { filters, kernelSize, strides, padding, dilationRate, depthMultiplier = 1 } = description
    const { activation = 'linear', useBias } = description
    const [height, width] = pairOf(caller, kernelSize)
    const activate = activations[activation]
    const outputs = walkOver(caller, input, 'kernelSize', kernelSize, strides ?? 1, padding, dilationRate)
    return {
      type: 'SeparableConv2D',
      outputShape: [...outputs, filters],
      weights: [
        { name: 'depthwise_kernel', shape: [height, width, input[2], depthMultiplier], initializer: 'glorotUniform' },
        { name: 'pointwise_kernel', shape: [1, 1, input[2] * depthMultiplier, filters], initializer: 'glorotUniform' },
        ...withBias(useBias, filters),
      ],
      apply(x, [depthwise, pointwise, bias]) {
        const perChannel = depthwiseConv2d(x, depthwise, { strides, padding, dilation: dilationRate })
        return activate(conv2d(perChannel, pointwise, { bias }))
      },
    }
  },
}
