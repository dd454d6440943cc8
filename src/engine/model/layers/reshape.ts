import { isListOf, optionsOf, text, thatIs } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { reshape as reshapeTensor } from '../../ops/reshape.ts'
import { formatShape, type Shape, sizeOf } from '../../tensor.ts'
import { type LayerKind, withoutWeights } from './layer.ts'

export interface ReshapeLayer {
  readonly layer: 'reshape'
  readonly targetShape: readonly number[]
}

/** Keras's Reshape: the same numbers under another shape, given without the batch axis; one extent may be -1, which is what is left. */
export function reshape(config: { readonly targetShape: readonly number[] }): ReshapeLayer {
  return { layer: 'reshape', ...config }
}

const targetShape = thatIs<readonly number[]>(
  'a list of positive integers, one of which may be -1',
  (value) =>
    isListOf<number>(value, (extent) => Number.isSafeInteger(extent) && (Number(extent) >= 1 || extent === -1)) &&
    value.filter((extent) => extent === -1).length <= 1,
)

/** @internal */
export const reshapeKind: LayerKind<ReshapeLayer> = {
  options: optionsOf<ReshapeLayer>({ layer: text, targetShape }, 'targetShape'),
  build(caller, { targetShape }, input) {
    const known = sizeOf(targetShape.filter((extent) => extent !== -1))
    const output: Shape = targetShape.map((extent) => (extent === -1 ? sizeOf(input) / known : extent))
    if (!output.every(Number.isInteger) || sizeOf(output) !== sizeOf(input))
      throw new ShapeError(
        `${caller}: ${formatShape(input)} has ${sizeOf(input)} elements; they do not come to ${formatShape(targetShape)}`,
      )
    return withoutWeights('Reshape', output, (x) => reshapeTensor(x, [x.shape[0], ...output]))
  },
}
