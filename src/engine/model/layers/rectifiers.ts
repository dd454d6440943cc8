import { finiteNumber, numberFrom, optionsOf, text } from '../../arguments.ts'
import { clip, greater, greaterEqual, leakyRelu, minimum, mul, relu, sub } from '../../ops/elementwise.ts'
import { where } from '../../ops/where.ts'
import type { Tensor } from '../../tensor.ts'
import { type LayerKind, withoutWeights } from './layer.ts'

/** Layers that let pass what is above a threshold. */

export interface ReLUConfig {
  /** What x is at most; there is no such bound unless given. */
  readonly maxValue?: number
  /** Of x below the threshold; 0 unless given. */
  readonly negativeSlope?: number
  /** 0 unless given. */
  readonly threshold?: number
}

export interface ReLULayer extends ReLUConfig {
  readonly layer: 'reLU'
}

/** Keras's ReLU: x from the threshold to maxValue, maxValue above it, and negativeSlope · (x - threshold) below the threshold. */
export function reLU(config: ReLUConfig = {}): ReLULayer {
  return { layer: 'reLU', ...config }
}

function rectified(x: Tensor, { maxValue, negativeSlope = 0, threshold = 0 }: ReLUConfig): Tensor {
  if (threshold === 0 && negativeSlope === 0)
    return maxValue === undefined ? relu(x) : clip(x, { min: 0, max: maxValue })
  const above = maxValue === undefined ? x : minimum(x, maxValue)
  if (threshold === 0 && maxValue === undefined) return leakyRelu(x, { alpha: negativeSlope })
  const below = negativeSlope === 0 ? 0 : mul(sub(x, threshold), negativeSlope)
  return where(greaterEqual(x, threshold), above, below)
}

/** @internal */
export const reLUKind: LayerKind<ReLULayer> = {
  options: optionsOf<ReLULayer>({
    layer: text,
    maxValue: numberFrom(0),
    negativeSlope: numberFrom(0),
    threshold: numberFrom(0),
  }),
  build: (_caller, config, input) => withoutWeights('ReLU', input, (x) => rectified(x, config)),
}

export interface ThresholdedReLUConfig {
  /** 1 unless given. */
  readonly theta?: number
}

export interface ThresholdedReLULayer extends ThresholdedReLUConfig {
  readonly layer: 'thresholdedReLU'
}

/** Keras 2's ThresholdedReLU: x where it is larger than theta, else 0. */
export function thresholdedReLU(config: ThresholdedReLUConfig = {}): ThresholdedReLULayer {
  return { layer: 'thresholdedReLU', ...config }
}

/** @internal */
export const thresholdedReLUKind: LayerKind<ThresholdedReLULayer> = {
  options: optionsOf<ThresholdedReLULayer>({ layer: text, theta: finiteNumber }),
  build: (_caller, { theta = 1 }, input) => withoutWeights('ThresholdedReLU', input, (x) => mul(x, greater(x, theta))),
}
