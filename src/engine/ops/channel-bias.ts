import { ShapeError } from '../errors.ts'
import { formatShape, type Tensor } from '../tensor.ts'
import { add } from './elementwise.ts'

/** Adds a number a channel to images [N,H,W,F], where there are such. @throws ShapeError for another number of them */
export function withBias(name: string, y: Tensor, bias: Tensor | undefined): Tensor {
  if (!bias) return y
  const filters = y.shape[3]
  if (bias.shape.length !== 1 || bias.shape[0] !== filters)
    throw new ShapeError(`${name}: bias ${formatShape(bias.shape)}; expected [${filters}], one a filter`)
  return add(y, bias)
}
