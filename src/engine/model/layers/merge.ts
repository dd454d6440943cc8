import { optionsOf, text, thatIs } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { concat } from '../../ops/concat.ts'
import { add, maximum, minimum, mul, sub } from '../../ops/elementwise.ts'
import { formatShape, type Shape, sameShape, type Tensor } from '../../tensor.ts'
import type { MergingKind } from './layer.ts'

/** Layers that make one tensor of several of equal shapes, number by number. */
export interface MergeLayer {
  readonly layer: 'add' | 'multiply' | 'average' | 'maximum' | 'minimum' | 'subtract'
}

/** @throws ShapeError in the layer's words where the shapes differ */
function sameForAll(caller: string, inputs: readonly Shape[]): Shape {
  const [first, ...others] = inputs
  if (others.length === 0 || others.some((shape) => !sameShape(shape, first)))
    throw new ShapeError(`${caller}: expected several inputs of one shape, got ${inputs.map(formatShape).join(', ')}`)
  return first
}

function mergeKind(type: string, merge: (inputs: readonly Tensor[]) => Tensor): MergingKind<MergeLayer> {
  return {
    options: optionsOf<MergeLayer>({ layer: text }),
    build: (caller, _description, inputs) => ({
      type,
      outputShape: sameForAll(caller, inputs),
      weights: [],
      apply: merge,
    }),
  }
}

const sumOf = (inputs: readonly Tensor[]) => inputs.reduce((sum, x) => add(sum, x))

/** @internal */
export const addKind = mergeKind('Add', sumOf)
/** @internal */
export const multiplyKind = mergeKind('Multiply', (inputs) => inputs.reduce((product, x) => mul(product, x)))
/** @internal */
export const averageKind = mergeKind('Average', (inputs) => mul(sumOf(inputs), 1 / inputs.length))
/** @internal */
export const maximumKind = mergeKind('Maximum', (inputs) => inputs.reduce((largest, x) => maximum(largest, x)))
/** @internal */
export const minimumKind = mergeKind('Minimum', (inputs) => inputs.reduce((smallest, x) => minimum(smallest, x)))

const difference = mergeKind('Subtract', ([a, b]) => sub(a, b))

/** @internal */
export const subtractKind: MergingKind<MergeLayer> = {
  ...difference,
  build(caller, description, inputs, inner) {
    if (inputs.length !== 2)
      throw new ShapeError(
        `${caller}: expected two inputs, the second to be taken from the first, not ${inputs.length}`,
      )
    return difference.build(caller, description, inputs, inner)
  },
}

export interface ConcatenateLayer {
  readonly layer: 'concatenate'
  /** Of one sample, as in Keras with the batch axis counted: 1 is the first after it, -1 (unless given) the last. */
  readonly axis?: number
}

/** @internal */
export const concatenateKind: MergingKind<ConcatenateLayer> = {
  options: optionsOf<ConcatenateLayer>({ layer: text, axis: thatIs('a whole number', Number.isSafeInteger) }),
  build(caller, { axis = -1 }, inputs) {
    const rank = inputs[0].length + 1
    const along = (axis < 0 ? axis + rank : axis) - 1
    const [first, ...others] = inputs
    const fits = (shape: Shape) =>
      shape.length === first.length && shape.every((extent, i) => i === along || extent === first[i])
    if (others.length === 0 || along < 0 || along >= first.length || !others.every(fits))
      throw new ShapeError(
        `${caller}: expected several inputs that differ along axis ${axis} only, got ${inputs.map(formatShape).join(', ')}`,
      )
    const extent = inputs.reduce((sum, shape) => sum + shape[along], 0)
    return {
      type: 'Concatenate',
      outputShape: first.with(along, extent),
      weights: [],
      apply: (tensors) => concat(tensors, { axis: along + 1 }),
    }
  },
}
