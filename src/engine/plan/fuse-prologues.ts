import { coverOf, type WindowAttributes } from '../ops/window.ts'
import { sameShape, sizeOf } from '../tensor.ts'
import { activationOf, inner } from './epilogues.ts'
import type { Step, Trace } from './trace.ts'
import { removeDeadSteps, Uses } from './trace-steps.ts'

/** What a convolution reads is made while it is loaded, and may be loaded as 16-bit numbers. */

const convolutions = new Set(['conv2d'])
const blends = new Set(['blendBySegments'])

export function fuseBlend(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of trace.steps) {
    // In groups, kernels load what is stored.
    if (step.kernel !== 'conv2d' || 'groups' in step.attributes) continue
    const { x, ...rest } = step.inputs
    // With a residual, kernels would read more than an adapter must be able to bind.
    const producer = x.view || 'residual' in step.attributes ? null : uses.soleProducer(x, blends)
    if (!producer) continue
    uses.setInputs(step, { ...producer.inputs, ...rest })
    step.attributes = { ...step.attributes, blend: true }
  }
}

/** Products that one number of a convolution may take to be made again wherever it is needed, instead of being stored. */
const cheapProducts = 16

/** The inner convolution's attributes, under names of their own: its kernel's shape says the rest. */
export interface InnerConvolution {
  readonly recompute: true
  /** Of the images that are not stored, [N, H, W, C]. */
  readonly innerShape: readonly number[]
  /** Before the first row and the first column. */
  readonly innerPadding: readonly number[]
  readonly innerBias: boolean
  readonly innerRelu: boolean
}

/** The first layers of networks see one to three channels: what they make is cheaper to make again than to load. */
export function fuseRecompute(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of trace.steps) {
    if (step.kernel !== 'conv2d' || step.attributes.blend || !isDense(step)) continue
    const { x, ...rest } = step.inputs
    const inner = uses.soleProducer(x, convolutions)
    if (
      !inner ||
      !sameShape(x.shape, inner.outputs[0].shape) ||
      !isDense(inner) ||
      'mask' in inner.attributes ||
      'activation' in inner.attributes ||
      'gain' in inner.attributes ||
      'residual' in inner.attributes ||
      'recompute' in inner.attributes
    )
      continue
    const { kernel, bias: innerBias, ...images } = inner.inputs
    if (sizeOf(kernel.shape.slice(0, 3)) > cheapProducts) continue
    const { padTop, padLeft, bias, relu, blend } = inner.attributes
    const attributes: InnerConvolution = {
      recompute: true,
      innerShape: x.shape,
      innerPadding: [Number(padTop), Number(padLeft)],
      innerBias: bias === true,
      innerRelu: relu === true,
    }
    uses.setInputs(step, { ...images, innerKernel: kernel, ...(innerBias && { innerBias }), ...rest })
    step.attributes = { ...step.attributes, ...attributes, ...(blend && { blend }) }
    step.flops += inner.flops
  }
  removeDeadSteps(trace)
}

/** Bytes of an image from which on it is worth while not to store it: smaller ones stay in a second-level cache anyway. */
const leastExpanded = 2 ** 20
/** Threads share an image's lines, and each makes those that its windows see: not worth while for windows above such a part of its height. */
const leastBands = 8

/** An inverted residual block makes its images several times as wide for the one convolution that reads them. */
export function fuseExpansion(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of trace.steps) {
    if (step.kernel !== 'depthwiseConv2d') continue
    const { x, ...rest } = step.inputs
    const expansion = uses.soleProducer(x, convolutions)
    if (!expansion || !sameShape(x.shape, expansion.outputs[0].shape) || !isExpansion(expansion)) continue
    const [, height, width, channels] = x.shape
    if (height * width * channels * 4 < leastExpanded || step.outputs[0].shape[3] !== channels) continue
    const [cover] = coverOf(step.attributes as WindowAttributes)
    if (cover > height / leastBands) continue
    const { x: narrow, ...weights } = expansion.inputs
    const own = Object.entries(weights).map(([name, value]) => [inner(name), value] as const)
    const parameters = Object.keys(activationOf(expansion.attributes)?.parameters ?? {})
    const attributes = ['gain', 'bias', 'relu', 'activation', ...parameters]
      .filter((name) => name in expansion.attributes)
      .map((name) => [inner(name), expansion.attributes[name]] as const)
    uses.setInputs(step, { x: narrow, ...Object.fromEntries(own), ...rest })
    step.attributes = { ...step.attributes, expansion: true, ...Object.fromEntries(attributes) }
    step.flops += expansion.flops
    uses.drop(expansion)
  }
  uses.leave()
}

/** Whether a convolution sees every pixel by itself, and nothing is added to its sums but a bias. */
function isExpansion(step: Step): boolean {
  const { attributes, inputs, outputs } = step
  if (['blend', 'residual', 'mask', 'recompute'].some((name) => name in attributes)) return false
  const [height, width] = inputs.kernel.shape
  const isPointwise = height === 1 && width === 1 && isDense(step)
  return isPointwise && sameShape(inputs.x.shape.slice(0, 3), outputs[0].shape.slice(0, 3))
}

/** Windows without gaps that move by a pixel and see all channels. */
function isDense({ attributes }: Step): boolean {
  const { strideY, strideX, dilationY = 1, dilationX = 1, groups = 1 } = attributes
  return [strideY, strideX, dilationY, dilationX, groups].every((value) => value === 1)
}

/** Gradients are small differences of large numbers: a graph that has any, or trains, keeps all digits. */
export function halveForward(trace: Trace): void {
  if (trace.steps.some(({ states, isGradient }) => states.length > 0 || isGradient)) return
  for (const step of trace.steps) if (step.kernel === 'conv2d') step.attributes = { ...step.attributes, half: true }
}
