import { optionsOf, text, thatIs } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { greaterEqual, mul } from '../../ops/elementwise.ts'
import { random } from '../../ops/random.ts'
import { formatShape, type Shape, type Tensor } from '../../tensor.ts'
import { type LayerContext, type LayerKind, withoutWeights } from './layer.ts'

export interface DropoutLayer {
  readonly layer: 'dropout'
  readonly rate: number
}

/** Sets this share of the inputs to 0 while training, and scales the others so that their sum is expected to stay. */
export function dropout(config: { readonly rate: number }): DropoutLayer {
  return { layer: 'dropout', ...config }
}

/** @internal */
export const dropoutRate = thatIs<number>(
  'a number from 0 to below 1',
  (rate) => typeof rate === 'number' && rate >= 0 && rate < 1,
)

const dropoutOptions = optionsOf<DropoutLayer | SpatialDropout2dLayer>({ layer: text, rate: dropoutRate }, 'rate')

/** @internal */
export const dropoutKind: LayerKind<DropoutLayer> = {
  options: dropoutOptions,
  build: (_caller, { rate }, input) =>
    withoutWeights('Dropout', input, (x, _weights, context) => dropped(x, x.shape, rate, context)),
}

export interface SpatialDropout2dLayer {
  readonly layer: 'spatialDropout2d'
  readonly rate: number
}

/** Keras's SpatialDropout2D: as dropout, but of whole channels of an image, whose neighbouring pixels say nearly the same. */
export function spatialDropout2d(config: { readonly rate: number }): SpatialDropout2dLayer {
  return { layer: 'spatialDropout2d', ...config }
}

/** @internal */
export const spatialDropout2dKind: LayerKind<SpatialDropout2dLayer> = {
  options: dropoutOptions,
  build(caller, { rate }, input) {
    if (input.length !== 3) throw new ShapeError(`${caller}: expected images [H,W,C], got ${formatShape(input)}`)
    return withoutWeights('SpatialDropout2D', input, (x, _weights, context) =>
      dropped(x, [x.shape[0], 1, 1, x.shape[3]], rate, context),
    )
  },
}

/** What dropout leaves of a tensor. @param shape of what is kept or dropped as a whole */
export function dropped(x: Tensor, shape: Shape, rate: number, { training, position, seed }: LayerContext): Tensor {
  if (!training || rate === 0) return x
  return mul(x, mul(greaterEqual(random(position, shape, seed), rate), 1 / (1 - rate)))
}
