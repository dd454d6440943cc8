import type { Attributes } from '../tensor.ts'

/**
 * The names of rewrites of a trace that save memory traffic, launches and arithmetic (fuse.ts applies them). A device lists the names of
 * those its kernels can run; the reference device runs none. Terms:
 * - producer: a step that ends in a convolution's or a matrix product's sum. What follows element by element (its epilogue)
 *   can be done before the sum is stored: it is multiplied by a number a channel (`gain`: a batch norm's), `bias` is added, then
 *   another array like the result (`residual`: a shortcut's end), negative numbers become 0 (`relu`), another row of the elementwise
 *   table is applied (`activation`: its name, beside the row's parameters), or the result is kept only where another tensor is positive
 *   (`mask`: relu's gradient, applied inside the gradient that feeds it).
 * - prologue: what a kernel does while it loads: `blend` makes the perturbed image inside the first convolution, `recompute`
 *   the images that a cheap convolution before it (the inner one) would have stored, `expansion` those that a pointwise convolution
 *   makes wide for a depthwise one, a few lines at a time.
 * - `half`: a convolution's products, and the sums of a few of them, may be 16-bit. Only where nothing is trained.
 *
 * Fused steps take more inputs than the plain operation, or others, and make more:
 *   conv2d: x | image, fudged, segments, masks (blend), innerKernel, innerBias (recompute), kernel, gain, bias, residual, mask
 *   conv2dInputGradient: dy, kernel, bias, mask      depthwiseConv2d: x, innerKernel, innerGain, innerBias (expansion), kernel,
 *   gain, bias, residual, mask
 *   depthwiseConv2dInputGradient: dy, kernel, bias, mask      matmul: a, b, gain, bias, residual, mask
 *   conv2dKernelGradient: x, dy -> dkernel, (dbias)      matmul that is transposed at a: a, b -> dkernel, (dbias)
 *   softmaxCrossEntropyWithGradient: logits, labels, dloss -> loss, dlogits, (hits)
 *   adam, adamW, sgd, nesterov: gradient (of all parameters), stepSize, decay; states: the flat parameters and moments
 *   assign: value (of all states that lie side by side)
 *   record with `scales`: position, and values [n] of which the ring gets scale times the sum
 */
export const fusions = [
  'gates',
  'gain',
  'bias',
  'residual',
  'relu',
  'mask',
  'activation',
  'blend',
  'recompute',
  'expansion',
  'half',
  'crossEntropy',
  'hits',
  'biasGradient',
  'means',
  'flatUpdates',
  'concatInPlace',
] as const
export type Fusion = (typeof fusions)[number]

/** Those that leave a step its kernel, and an attribute of their name. */
export const fusedAttributes = [
  'blend',
  'recompute',
  'expansion',
  'bias',
  'relu',
  'activation',
  'mask',
  'half',
  'gain',
  'residual',
] as const satisfies readonly Fusion[]

/** What is fused to a step, for people: an activation under its own name. */
export function fusedNames(attributes: Attributes): string[] {
  return fusedAttributes
    .filter((flag) => attributes[flag])
    .map((flag) => (flag === 'activation' ? String(attributes.activation) : flag))
}
