import { finiteNumber, optionsOf, text, thatIs } from '../../arguments.ts'
import { ArgumentError } from '../../errors.ts'
import { elu as exponential, leakyRelu, prelu as slopedBelow0 } from '../../ops/elementwise.ts'
import { type LayerKind, withoutWeights } from './layer.ts'

/** Activations that do not end at 0: how far they go on below it is given, or learned. */

export interface LeakyReLUConfig {
  /** Of x below 0; 0.3 unless given. */
  readonly negativeSlope?: number
}

export interface LeakyReLULayer extends LeakyReLUConfig {
  readonly layer: 'leakyReLU'
}

/** Keras's LeakyReLU: x, and below 0 a part of it. As an activation's name, `leakyRelu`, the slope is 0.2: Keras's, too. */
export function leakyReLU(config: LeakyReLUConfig = {}): LeakyReLULayer {
  return { layer: 'leakyReLU', ...config }
}

/** @internal */
export const leakyReLUKind: LayerKind<LeakyReLULayer> = {
  options: optionsOf<LeakyReLULayer>({ layer: text, negativeSlope: finiteNumber }),
  build: (_caller, { negativeSlope = 0.3 }, input) =>
    withoutWeights('LeakyReLU', input, (x) => leakyRelu(x, { alpha: negativeSlope })),
}

export interface EluConfig {
  /** What x far below 0 comes to, times -1; 1 unless given. */
  readonly alpha?: number
}

export interface EluLayer extends EluConfig {
  readonly layer: 'elu'
}

/** Keras's ELU: x, and below 0 alpha (e^x - 1). */
export function elu(config: EluConfig = {}): EluLayer {
  return { layer: 'elu', ...config }
}

/** @internal */
export const eluKind: LayerKind<EluLayer> = {
  options: optionsOf<EluLayer>({ layer: text, alpha: finiteNumber }),
  build: (_caller, { alpha }, input) => withoutWeights('ELU', input, (x) => exponential(x, { alpha })),
}

export interface PReluConfig {
  /** Along these there is one slope for all: axes of the input, counted from 1, the first behind the batch. For images [1, 2] leaves
   * one a channel. None unless given. */
  readonly sharedAxes?: readonly number[]
}

export interface PReluLayer extends PReluConfig {
  readonly layer: 'prelu'
}

/** Keras's PReLU: x, and below 0 x times a slope that is learned, at first 0 (He et al., 2015). */
export function prelu(config: PReluConfig = {}): PReluLayer {
  return { layer: 'prelu', ...config }
}

/** @internal */
export const preluKind: LayerKind<PReluLayer> = {
  options: optionsOf<PReluLayer>({
    layer: text,
    sharedAxes: thatIs<readonly number[]>(
      'a list of positive integers',
      (axes) => Array.isArray(axes) && axes.every((axis) => Number.isSafeInteger(axis) && axis >= 1),
    ),
  }),
  build(caller, { sharedAxes = [] }, input) {
    const beyond = sharedAxes.find((axis) => axis > input.length)
    if (beyond !== undefined)
      throw new ArgumentError(`${caller}: sharedAxes names axis ${beyond}; expected 1 to ${input.length}`)
    const shape = input.map((extent, index) => (sharedAxes.includes(index + 1) ? 1 : extent))
    return {
      type: 'PReLU',
      outputShape: input,
      weights: [{ name: 'alpha', shape, initializer: 'zeros' }],
      apply: (x, [alpha]) => slopedBelow0(x, alpha),
    }
  },
}
