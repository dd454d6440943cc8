import { isUnaryName, type RowParameters, type UnaryName, unaryRows } from '../ops/elementwise.ts'
import type { Attributes } from '../tensor.ts'

/**
 * Kernels that end in a sum and take an epilogue: a bias, an activation and a mask (see fusions.ts). The images' gradients take biases where they
 * are transposed convolutions.
 */
export const withEpilogue: ReadonlySet<string> = new Set([
  'conv2d',
  'conv2dInputGradient',
  'depthwiseConv2d',
  'depthwiseConv2dInputGradient',
  'matmul',
])

/** Those that may be multiplied by a gain, too, and take a residual: no gradients. */
export const withResidual: ReadonlySet<string> = new Set(['conv2d', 'depthwiseConv2d', 'matmul'])

/** The row of the elementwise table that an epilogue ends in, relu aside; null where it has none. */
export function activationOf(attributes: Attributes): { name: UnaryName; parameters: RowParameters } | null {
  const { activation: name } = attributes
  if (typeof name !== 'string' || !isUnaryName(name)) return null
  const names = Object.keys(unaryRows[name].parameters ?? {})
  return { name, parameters: Object.fromEntries(names.map((parameter) => [parameter, Number(attributes[parameter])])) }
}
