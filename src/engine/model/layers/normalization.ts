import { flag, isListOf, optionsOf, text, thatIs } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { add, div, mul, sub } from '../../ops/elementwise.ts'
import { constant, formatShape, type Shape, type Tensor } from '../../tensor.ts'
import { type LayerKind, withoutWeights } from './layer.ts'

export interface NormalizationLayerConfig {
  /** One for each channel (the last axis), or one number for all. */
  readonly mean: number | readonly number[]
  /** As the mean. */
  readonly variance: number | readonly number[]
  /** Undoes it: x · √variance + mean. false unless given. */
  readonly invert?: boolean
}

export interface NormalizationLayer extends NormalizationLayerConfig {
  readonly layer: 'normalization'
}

/** Keras's Normalization, of a mean and a variance that are known: (x - mean) / √variance. A deviation is taken as 1e-7 at least. */
export function normalization(config: NormalizationLayerConfig): NormalizationLayer {
  return { layer: 'normalization', ...config }
}

/** Keras's backend.epsilon(). */
const smallestDeviation = 1e-7

/** @throws ShapeError where these are not as many numbers as there are channels */
function ofChannels(caller: string, name: string, given: number | readonly number[], input: Shape): Tensor | number {
  if (typeof given === 'number') return given
  const channels = input[input.length - 1]
  if (given.length === 1) return given[0]
  if (given.length !== channels)
    throw new ShapeError(
      `${caller}: ${given.length} numbers given as ${name} for samples ${formatShape(input)}; expected ${channels}, or one for all`,
    )
  return constant(given, [channels])
}

const isFiniteNumber = (value: unknown): value is number => Number.isFinite(value)

function oneOrListOf(test: (value: unknown) => boolean) {
  return (value: unknown) => test(value) || isListOf(value, test)
}

/** @internal */
export const normalizationKind: LayerKind<NormalizationLayer> = {
  options: optionsOf<NormalizationLayer>(
    {
      layer: text,
      mean: thatIs('a finite number, or a list of them', oneOrListOf(Number.isFinite)),
      variance: thatIs(
        'a number >= 0, or a list of them',
        oneOrListOf((value) => isFiniteNumber(value) && value >= 0),
      ),
      invert: flag,
    },
    'mean',
    'variance',
  ),
  build(caller, { mean, variance, invert = false }, input) {
    const deviationOf = (value: number) => Math.max(Math.sqrt(value), smallestDeviation)
    const deviations = typeof variance === 'number' ? deviationOf(variance) : Array.from(variance, deviationOf)
    const [centre, scale] = [ofChannels(caller, 'mean', mean, input), ofChannels(caller, 'variance', deviations, input)]
    return withoutWeights('Normalization', input, (x) =>
      invert ? add(mul(x, scale), centre) : div(sub(x, centre), scale),
    )
  },
}
