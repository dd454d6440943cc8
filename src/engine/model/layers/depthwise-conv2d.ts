import { optionsOf, wholeNumber } from '../../arguments.ts'
import { depthwiseConv2d as convolve } from '../../ops/depthwise-conv2d.ts'
import { pairOf } from '../../ops/window.ts'
import { activations } from './activations.ts'
import { type ConvolutionConfig, convolutionOptions } from './convolution.ts'
import { type LayerKind, withBias } from './layer.ts'
import { walkOver } from './window.ts'

export interface DepthwiseConv2dConfig extends ConvolutionConfig {
  /** Channels that each channel becomes: 1 unless given. */
  readonly depthMultiplier?: number
}

export interface DepthwiseConv2dLayer extends DepthwiseConv2dConfig {
  readonly layer: 'depthwiseConv2d'
}

/**
 * Keras's DepthwiseConv2D: windows over each channel by itself; strides 1, padding 'valid', a bias and no activation unless given.
 * Channel c becomes c · depthMultiplier to (c + 1) · depthMultiplier - 1. Its weights are named as in Keras 2.
 */
export function depthwiseConv2d(config: DepthwiseConv2dConfig): DepthwiseConv2dLayer {
  return { layer: 'depthwiseConv2d', ...config }
}

/** @internal */
export const depthwiseConv2dKind: LayerKind<DepthwiseConv2dLayer> = {
  options: optionsOf<DepthwiseConv2dLayer>({ ...convolutionOptions, depthMultiplier: wholeNumber(1) }, 'kernelSize'),
  build(caller, description, input) {
    const {
      kernelSize,
      strides,
      padding,
      dilationRate,
      depthMultiplier = 1,
      activation = 'linear',
      useBias,
    } = description
    const [height, width] = pairOf(caller, kernelSize)
    const activate = activations[activation]
    const outputs = walkOver(caller, input, 'kernelSize', kernelSize, strides ?? 1, padding, dilationRate)
    const channels = input[2] * depthMultiplier
    return {
      type: 'DepthwiseConv2D',
      outputShape: [...outputs, channels],
      weights: [
        { name: 'depthwise_kernel', shape: [height, width, input[2], depthMultiplier], initializer: 'glorotUniform' },
        ...withBias(useBias, channels),
      ],
      apply: (x, [kernel, bias]) => activate(convolve(x, kernel, { strides, padding, dilation: dilationRate, bias })),
    }
  },
}
