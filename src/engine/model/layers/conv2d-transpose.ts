import { optionsOf, wholeNumber } from '../../arguments.ts'
import { type OutputPadding, conv2dTranspose as spread, transposedOver } from '../../ops/conv2d-transpose.ts'
import { amounts, pairOf } from '../../ops/window.ts'
import { activations } from './activations.ts'
import { type ConvolutionConfig, convolutionOptions } from './convolution.ts'
import { type LayerKind, withBias } from './layer.ts'
import { checkImages } from './window.ts'

export interface Conv2dTransposeConfig extends ConvolutionConfig {
  readonly filters: number
  /** Rows and columns that are added below and on the right: Keras's output_padding. */
  readonly outputPadding?: OutputPadding
}

export interface Conv2dTransposeLayer extends Conv2dTransposeConfig {
  readonly layer: 'conv2dTranspose'
}

/**
 * Keras's Conv2DTranspose: each pixel adds a window of weights to a larger image; strides 1, padding 'valid', a bias and no activation
 * unless given. With padding 'same' images grow by the strides.
 */
export function conv2dTranspose(config: Conv2dTransposeConfig): Conv2dTransposeLayer {
  return { layer: 'conv2dTranspose', ...config }
}

/** @internal */
export const conv2dTransposeKind: LayerKind<Conv2dTransposeLayer> = {
  options: optionsOf<Conv2dTransposeLayer>(
    { ...convolutionOptions, filters: wholeNumber(1), outputPadding: amounts },
    'filters',
    'kernelSize',
  ),
  build(caller, description, input) {
    const { filters, kernelSize, strides, padding, outputPadding, dilationRate } = description
    const { activation = 'linear', useBias } = description
    checkImages(caller, input)
    const window = pairOf(caller, kernelSize)
    const activate = activations[activation]
    const options = { strides, padding, outputPadding, dilation: dilationRate }
    const { height, width } = transposedOver(caller, [1, ...input], window, options)
    return {
      type: 'Conv2DTranspose',
      outputShape: [height, width, filters],
      weights: [
        { name: 'kernel', shape: [...window, filters, input[2]], initializer: 'glorotUniform' },
        ...withBias(useBias, filters),
      ],
      apply: (x, [kernel, bias]) => activate(spread(x, kernel, { ...options, bias })),
    }
  },
}
