import { isListOf, optionsOf, text, thatIs } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { transpose } from '../../ops/transpose.ts'
import { formatShape } from '../../tensor.ts'
import { type LayerKind, withoutWeights } from './layer.ts'

export interface PermuteLayer {
  readonly layer: 'permute'
  readonly dims: readonly number[]
}

/** Keras's Permute: axes in another order. They count from 1; the batch axis is not among them, and stays the first. */
export function permute(config: { readonly dims: readonly number[] }): PermuteLayer {
  return { layer: 'permute', ...config }
}

const dims = thatIs<readonly number[]>(
  'a list of each axis once, counted from 1',
  (value) =>
    isListOf<number>(value, Number.isInteger) && value.toSorted((a, b) => a - b).every((axis, i) => axis === i + 1),
)

/** @internal */
export const permuteKind: LayerKind<PermuteLayer> = {
  options: optionsOf<PermuteLayer>({ layer: text, dims }, 'dims'),
  build(caller, { dims }, input) {
    if (dims.length !== input.length)
      throw new ShapeError(
        `${caller}: dims ${formatShape(dims)} given for ${formatShape(input)}; expected ${input.length} axes`,
      )
    const output = dims.map((axis) => input[axis - 1])
    return withoutWeights('Permute', output, (x) => transpose(x, [0, ...dims]))
  },
}
