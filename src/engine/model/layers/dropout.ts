import { optionsOf, text, thatIs } from '../../arguments.ts'
import { greaterEqual, mul } from '../../ops/elementwise.ts'
import { random } from '../../ops/random.ts'
import { type LayerKind, withoutWeights } from './layer.ts'

export interface DropoutLayer {
  readonly layer: 'dropout'
  readonly rate: number
}

/** Sets this share of the inputs to 0 while training, and scales the others so that their sum is expected to stay. */
export function dropout(config: { readonly rate: number }): DropoutLayer {
  return { layer: 'dropout', ...config }
}

/** @internal */
export const dropoutKind: LayerKind<DropoutLayer> = {
  options: optionsOf<DropoutLayer>(
    {
      layer: text,
      rate: thatIs<number>('a number from 0 to below 1', (rate) => typeof rate === 'number' && rate >= 0 && rate < 1),
    },
    'rate',
  ),
  build: (_caller, { rate }, input) =>
    withoutWeights('Dropout', input, (x, _weights, { training, position, seed }) =>
      training && rate > 0 ? mul(x, mul(greaterEqual(random(position, x.shape, seed), rate), 1 / (1 - rate))) : x,
    ),
}
