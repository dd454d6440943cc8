import { numberFrom, optionsOf, text } from '../../arguments.ts'
import { add, cos, log, mul, sqrt, sub } from '../../ops/elementwise.ts'
import { random } from '../../ops/random.ts'
import { reshape } from '../../ops/reshape.ts'
import { slice } from '../../ops/slice-and-pad.ts'
import { type Shape, sizeOf, type Tensor } from '../../tensor.ts'
import { dropoutRate } from './dropout.ts'
import { type LayerContext, type LayerKind, withoutWeights } from './layer.ts'

/** Layers that disturb a training by normally distributed noise, anew with each step. In use they do nothing. */

export interface GaussianNoiseLayer {
  readonly layer: 'gaussianNoise'
  readonly stddev: number
}

export interface GaussianDropoutLayer {
  readonly layer: 'gaussianDropout'
  readonly rate: number
}

/** Keras's GaussianNoise: adds noise of this standard deviation while training. */
export function gaussianNoise(config: { readonly stddev: number }): GaussianNoiseLayer {
  return { layer: 'gaussianNoise', ...config }
}

/** Keras's GaussianDropout: multiplies by noise of mean 1 and standard deviation √(rate / (1 - rate)) while training. */
export function gaussianDropout(config: { readonly rate: number }): GaussianDropoutLayer {
  return { layer: 'gaussianDropout', ...config }
}

/** Normally distributed numbers, of two uniform ones each (Box & Muller, 1958). */
function normal(shape: Shape, { position, seed }: LayerContext): Tensor {
  const size = sizeOf(shape)
  const drawn = random(position, [2, size], seed)
  const [first, second] = [0, 1].map((row) => reshape(slice(drawn, { begin: [row, 0], size: [1, size] }), shape))
  // Numbers are below 1: 1 less one of them has a logarithm.
  return mul(sqrt(mul(log(sub(1, first)), -2)), cos(mul(second, 2 * Math.PI)))
}

/** @internal */
export const gaussianNoiseKind: LayerKind<GaussianNoiseLayer> = {
  options: optionsOf<GaussianNoiseLayer>({ layer: text, stddev: numberFrom(0) }, 'stddev'),
  build: (_caller, { stddev }, input) =>
    withoutWeights('GaussianNoise', input, (x, _weights, context) =>
      context.training && stddev > 0 ? add(x, mul(normal(x.shape, context), stddev)) : x,
    ),
}

/** @internal */
export const gaussianDropoutKind: LayerKind<GaussianDropoutLayer> = {
  options: optionsOf<GaussianDropoutLayer>({ layer: text, rate: dropoutRate }, 'rate'),
  build(_caller, { rate }, input) {
    const stddev = Math.sqrt(rate / (1 - rate))
    return withoutWeights('GaussianDropout', input, (x, _weights, context) =>
      context.training && rate > 0 ? mul(x, add(mul(normal(x.shape, context), stddev), 1)) : x,
    )
  },
}
