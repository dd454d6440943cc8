import { numberFrom, optionsOf, text } from '../../arguments.ts'
import { add, mul } from '../../ops/elementwise.ts'
import { batchNorm, batchNormWithMoments } from '../../ops/normalization.ts'
import type { Resident, Tensor } from '../../tensor.ts'
import type { LayerKind, StateChange } from './layer.ts'
import { type NormalizationConfig, normalizationOptions, scaleAndCenter, scaleOf } from './scale-and-center.ts'

export interface BatchNormalizationConfig extends NormalizationConfig {
  /** How much of the moving averages is kept with each step of training; 0.99 unless given. */
  readonly momentum?: number
}

export interface BatchNormalizationLayer extends BatchNormalizationConfig {
  readonly layer: 'batchNormalization'
}

/**
 * Keras's BatchNormalization of each channel (the last axis). In training by the mean and the variance of the batch, which moving
 * averages follow: average = momentum · average + (1 - momentum) · that of the batch. In use by the averages. The variance is the
 * biased one, divided by the number of values, in both places, as in Keras 3; PyTorch's averages follow the unbiased one, and its
 * momentum is 1 - this one.
 */
export function batchNormalization(config: BatchNormalizationConfig = {}): BatchNormalizationLayer {
  return { layer: 'batchNormalization', ...config }
}

/** @internal */
export const batchNormalizationKind: LayerKind<BatchNormalizationLayer> = {
  options: optionsOf<BatchNormalizationLayer>({ layer: text, momentum: numberFrom(0, 1), ...normalizationOptions }),
  build(_caller, { momentum = 0.99, ...config }, input) {
    const shape = input.slice(-1)
    return {
      type: 'BatchNormalization',
      outputShape: input,
      weights: [
        ...scaleAndCenter(config, shape[0]),
        { name: 'moving_mean', shape, initializer: 'zeros', trainable: false },
        { name: 'moving_variance', shape, initializer: 'ones', trainable: false },
      ],
      apply(x, weights, { training }) {
        const { gamma, beta, rest } = scaleOf(config, weights)
        const [movingMean, movingVariance] = rest
        const { epsilon } = config
        if (!training) return batchNorm(x, { gamma, beta, epsilon, mean: movingMean, variance: movingVariance })
        const { y, mean, variance } = batchNormWithMoments(x, { gamma, beta, epsilon })
        const follow = (state: Resident, latest: Tensor): StateChange => ({
          state,
          next: (average) => add(mul(average, momentum), mul(latest, 1 - momentum)),
        })
        return { output: y, changes: [follow(movingMean, mean), follow(movingVariance, variance)] }
      },
    }
  },
}
