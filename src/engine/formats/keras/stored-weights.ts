import { shown } from '../../arguments.ts'
import { FormatError } from '../../errors.ts'
import type { Parameter } from '../../model/network.ts'
import { areFinite } from '../../model/parameters.ts'
import { formatShape, type Shape, sameShape } from '../../tensor.ts'
import type { KerasModel } from './keras-config.ts'

/** Which weights a network wants, and what files of all kinds give for them. */

/** A layer of a Keras model and the weights that we want of it. All layers are there, in Keras's order: files count them. */
export interface WeightPlace {
  readonly name: string
  readonly className: string
  readonly trainable: boolean
  /** Under the network's names; those of a model that is a layer are all of its layers'. */
  readonly weights: readonly Pick<Parameter, 'name' | 'shape' | 'trainable'>[]
  /** The layers of a model that is one. */
  readonly parts: readonly WeightPlace[] | null
}

/** A weight in a file. Its numbers are read when it is known to fit. */
export interface StoredWeight {
  readonly shape: Shape
  numbers(): Promise<ArrayLike<number>>
}

/** By the network's names. */
export type FoundWeights = Map<string, StoredWeight>

/** @param prefix of the weights' names: of a model that is a layer its name and / */
export function placesOf(
  model: KerasModel,
  weights: readonly Pick<Parameter, 'name' | 'shape' | 'trainable'>[],
  prefix = '',
): WeightPlace[] {
  return model.layers.map(({ name, className, config, model: inner }) => {
    const own = weights.filter((weight) => weight.name.startsWith(`${prefix}${name}/`))
    return {
      name,
      className,
      trainable: config.trainable !== false,
      weights: own,
      parts: inner && placesOf(inner, own, `${prefix}${name}/`),
    }
  })
}

/** Gives these to a layer's weights, in their order. */
export function giveInOrder({ weights }: WeightPlace, stored: readonly StoredWeight[], found: FoundWeights): void {
  weights.forEach(({ name }, i) => {
    if (i < stored.length) found.set(name, stored[i])
  })
}

/**
 * Fills a network's parameters with what was found.
 * @throws FormatError that names all weights that are missing, do not fit, or are not finite
 */
export async function fill(parameters: readonly Parameter[], found: FoundWeights): Promise<void> {
  const misfits = parameters.flatMap(({ name, shape }) => {
    const stored = found.get(name)
    if (!stored) return [`${shown(name)} ${formatShape(shape)} is missing`]
    return sameShape(stored.shape, shape)
      ? []
      : [`${shown(name)} is ${formatShape(stored.shape)}, expected ${formatShape(shape)}`]
  })
  if (misfits.length > 0) {
    const more = misfits.length > 10 ? ` and ${misfits.length - 10} more` : ''
    throw new FormatError(`its weights do not fit its layers: ${misfits.slice(0, 10).join('; ')}${more}`)
  }
  for (const { name, data } of parameters) {
    const numbers = await found.get(name)?.numbers()
    if (numbers) data.set(numbers)
    if (!areFinite(data)) throw new FormatError(`its weight ${shown(name)} holds a number that is not finite`)
  }
}
