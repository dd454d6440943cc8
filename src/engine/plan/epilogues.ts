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

/** What belongs to an inner convolution has a name of its own in the step that it is made part of. */
const prefix = 'inner'
export const inner = (name: string) => `${prefix}${name[0].toUpperCase()}${name.slice(1)}`

/** What the convolution that fuseExpansion() made part of a step does with its sums, as its own attributes said it. */
export function innerAttributes(attributes: Attributes): Attributes {
  const own = Object.entries(attributes).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(
    own.map(([name, value]) => [`${name[prefix.length].toLowerCase()}${name.slice(prefix.length + 1)}`, value]),
  )
}
