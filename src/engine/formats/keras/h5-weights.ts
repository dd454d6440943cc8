import { shown } from '../../arguments.ts'
import { FormatError } from '../../errors.ts'
import type { Hdf5Group } from '../hdf5/hdf5-file.ts'
import { type FoundWeights, giveInOrder, type StoredWeight, type WeightPlace } from './stored-weights.ts'

/**
 * Weights as Keras 1 and 2 write them, and 3 in a .h5: a group for each of the model's layers, with the paths of its weights in an
 * attribute, in order. A model that is a layer has all of its layers' weights in its one group.
 */

interface NamedWeight extends StoredWeight {
  readonly name: string
}

export function weightsOfH5(root: Hdf5Group, places: readonly WeightPlace[]): FoundWeights {
  const found: FoundWeights = new Map()
  for (const place of places.filter(({ weights }) => weights.length > 0)) {
    const group = root.group(place.name)
    if (!group) continue
    const stored = namesOf(group).map((name): NamedWeight => {
      const array = group.array(name)
      if (!array) throw new FormatError(`its layer ${shown(place.name)} has no array ${shown(name)}, which it lists`)
      return { name, shape: array.shape, numbers: () => array.numbers() }
    })
    if (place.parts) giveByName(place, stored, found)
    else giveInOrder(place, stored, found)
  }
  return found
}

/** An attribute has room for 64 kB: a list that is longer goes on in others, weight_names0, weight_names1, … */
function namesOf({ attributes }: Hdf5Group): readonly string[] {
  const whole = attributes.get('weight_names')
  if (whole) return whole
  const names: string[] = []
  for (let part = 0; attributes.has(`weight_names${part}`); part++)
    names.push(...(attributes.get(`weight_names${part}`) ?? []))
  return names
}

/**
 * By layer and weight, the last parts of a path: "…/conv1/kernel:0". Where the layers were renamed since, in Keras's order: what is trained
 * comes before what is not.
 */
function giveByName(place: WeightPlace, stored: readonly NamedWeight[], found: FoundWeights): void {
  const byPath = new Map(stored.map((weight) => [lastParts(weight.name), weight]))
  const named = place.weights.map(({ name }) => byPath.get(lastParts(name)))
  if (byPath.size === stored.length && named.every((weight) => weight !== undefined)) {
    giveInOrder(place, named, found)
    return
  }
  const { trained, kept } = inKerasOrder(place)
  giveInOrder({ ...place, weights: [...trained, ...kept] }, stored, found)
}

function lastParts(path: string): string {
  return path.replace(/:\d+$/, '').split('/').slice(-2).join('/')
}

type Wanted = WeightPlace['weights']

/** Of a layer that is not trained, all is kept. */
function inKerasOrder({ trainable, weights, parts }: WeightPlace): { trained: Wanted; kept: Wanted } {
  if (!parts) {
    const isTrained = (weight: Wanted[number]) => trainable && weight.trainable
    return { trained: weights.filter(isTrained), kept: weights.filter((weight) => !isTrained(weight)) }
  }
  const inner = parts.map(inKerasOrder)
  if (!trainable) return { trained: [], kept: parts.flatMap((part) => part.weights) }
  return { trained: inner.flatMap((one) => one.trained), kept: inner.flatMap((one) => one.kept) }
}
