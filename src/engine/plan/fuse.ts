import { Constant, sameShape, sizeOf } from '../tensor.ts'
import { flattenUpdates } from './flat-updates.ts'
import type { Step, Trace, Value } from './trace.ts'
import { dependsOn, removeDeadSteps, soleProducer, sortSteps } from './trace-steps.ts'

/**
 * Rewrites of a trace that save memory traffic, launches and arithmetic. Each has a name, and a device lists the names of those its
 * kernels can run; the reference device runs none. Terms:
 * - producer: a step that ends in a convolution's or a matrix product's sum. What follows element by element (its epilogue)
 *   can be done before the sum is stored: `bias` is added, negative numbers become 0 (`relu`), or the result is kept only
 *   where another tensor is positive (`mask`: relu's gradient, applied inside the gradient that feeds it).
 * - prologue: what a kernel does while it loads: `blend` makes the perturbed image inside the first convolution, `recompute`
 *   the images that a cheap convolution before it (the inner one) would have stored.
 * - `half`: a convolution's products, and the sums of a few of them, may be 16-bit. Only where nothing is trained.
 *
 * Fused steps take more inputs than the plain operation, in this order:
 *   conv2d: (x | image, fudged, segments, masks if blend), (inner kernel, (inner bias)), kernel, (bias), (mask)
 *   conv2dInputGradient: dy, kernel, (mask)      matmul: a, b, (bias), (mask)
 *   conv2dKernelGradient: x, dy -> dkernel, (dbias)      matmul that is transposed at a: x, dy -> dkernel, (dbias)
 *   softmaxCrossEntropyWithGradient: logits, labels, dloss -> loss, dlogits, (hits)
 *   adam, sgd: the flat gradients, stepSize; states: the flat parameters and moments
 *   record with `scales`: position, and values [n] of which the ring gets scale times the sum
 */
export const fusions = [
  'bias',
  'relu',
  'mask',
  'blend',
  'recompute',
  'half',
  'crossEntropy',
  'hits',
  'biasGradient',
  'means',
  'flatUpdates',
] as const
export type Fusion = (typeof fusions)[number]

/** Those that leave a step its kernel, and an attribute of their name. */
export const fusedAttributes = [
  'blend',
  'recompute',
  'bias',
  'relu',
  'mask',
  'half',
] as const satisfies readonly Fusion[]

/** Applies the rewrites in `allowed` and drops steps whose results nobody reads. */
export function fuse(trace: Trace, allowed: ReadonlySet<Fusion>): Trace {
  const rewrites: Record<Fusion, (trace: Trace) => void> = {
    bias: fuseBias,
    relu: fuseRelu,
    mask: fuseMask,
    blend: fuseBlend,
    recompute: fuseRecompute,
    half: halveForward,
    crossEntropy: fuseCrossEntropy,
    hits: fuseHits,
    biasGradient: fuseBiasGradient,
    means: fuseMeans,
    flatUpdates: flattenUpdates,
  }
  for (const name of fusions) if (allowed.has(name)) rewrites[name](trace)
  removeDeadSteps(trace)
  trace.steps = sortSteps(trace.steps)
  return trace
}

const withBias = new Set(['conv2d', 'matmul'])
const withMask = new Set(['conv2d', 'conv2dInputGradient', 'matmul'])

/** Folds `step` into its producer: the step's result becomes the producer's. */
function absorb(trace: Trace, step: Step, producer: Step, added: readonly Value[], attribute: Fusion): void {
  producer.inputs.push(...added)
  producer.attributes = { ...producer.attributes, [attribute]: true }
  producer.flops += step.flops
  step.outputs[0].view = { of: producer.outputs[0], offset: 0 }
  trace.steps.splice(trace.steps.indexOf(step), 1)
  // What the epilogue reads may have been computed after the producer: keep inputs before their users.
  trace.steps = sortSteps(trace.steps)
}

function fuseBias(trace: Trace): void {
  for (const step of [...trace.steps]) {
    if (step.kernel !== 'add') continue
    const [product, bias] = step.inputs
    const producer = soleProducer(trace, product, withBias)
    const channels = product.shape[product.shape.length - 1]
    if (!producer || product.view || bias.shape.length !== 1 || bias.shape[0] !== channels || isFinal(producer))
      continue
    absorb(trace, step, producer, [bias], 'bias')
  }
}

function fuseRelu(trace: Trace): void {
  for (const step of [...trace.steps]) {
    if (step.kernel !== 'relu') continue
    const producer = soleProducer(trace, step.inputs[0], withBias)
    if (producer && !isFinal(producer)) absorb(trace, step, producer, [], 'relu')
  }
}

/** relu and mask come last in an epilogue: nothing is added after them. */
function isFinal(step: Step): boolean {
  return 'relu' in step.attributes || 'mask' in step.attributes
}

function fuseMask(trace: Trace): void {
  for (const step of [...trace.steps]) {
    if (step.kernel !== 'mul') continue
    for (const [gradient, slope] of [step.inputs, [...step.inputs].reverse()]) {
      const slopeStep = trace.steps.find((other) => other.outputs.includes(slope) && other.kernel === 'step')
      const producer = soleProducer(trace, gradient, withMask)
      const stretches = [slope, step.outputs[0]].some((other) => sizeOf(other.shape) !== sizeOf(gradient.shape))
      if (!slopeStep || !producer || isFinal(producer) || stretches) continue
      absorb(trace, step, producer, [slopeStep.inputs[0]], 'mask')
      break
    }
  }
}

function fuseBlend(trace: Trace): void {
  for (const step of trace.steps) {
    if (step.kernel !== 'conv2d') continue
    const [x, ...rest] = step.inputs
    const producer = x.view ? null : soleProducer(trace, x, new Set(['blendBySegments']))
    if (!producer) continue
    step.inputs = [...producer.inputs, ...rest]
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
function fuseRecompute(trace: Trace): void {
  for (const step of trace.steps) {
    if (step.kernel !== 'conv2d' || step.attributes.blend || !hasUnitStride(step)) continue
    const [x, ...rest] = step.inputs
    const inner = soleProducer(trace, x, new Set(['conv2d']))
    if (
      !inner ||
      !sameShape(x.shape, inner.outputs[0].shape) ||
      !hasUnitStride(inner) ||
      'mask' in inner.attributes ||
      'recompute' in inner.attributes
    )
      continue
    const kernel = inner.inputs[inner.attributes.blend ? 4 : 1]
    if (sizeOf(kernel.shape.slice(0, 3)) > cheapProducts) continue
    const { padTop, padLeft, bias, relu, blend } = inner.attributes
    const attributes: InnerConvolution = {
      recompute: true,
      innerShape: x.shape,
      innerPadding: [Number(padTop), Number(padLeft)],
      innerBias: bias === true,
      innerRelu: relu === true,
    }
    step.inputs = [...inner.inputs, ...rest]
    step.attributes = { ...step.attributes, ...attributes, ...(blend && { blend }) }
    step.flops += inner.flops
  }
  removeDeadSteps(trace)
}

function hasUnitStride({ attributes }: Step): boolean {
  return attributes.strideY === 1 && attributes.strideX === 1
}

/** Gradients are small differences of large numbers: a graph that has any, or trains, keeps all digits. */
function halveForward(trace: Trace): void {
  if (trace.steps.some(({ kernel, states }) => states.length > 0 || /Gradient$/.test(kernel))) return
  for (const step of trace.steps) if (step.kernel === 'conv2d') step.attributes = { ...step.attributes, half: true }
}

/** The loss and its gradient share the softmax: one kernel makes both. */
function fuseCrossEntropy(trace: Trace): void {
  for (const step of [...trace.steps]) {
    if (step.kernel !== 'softmaxCrossEntropyGradient') continue
    const loss = trace.steps.find(
      (other) =>
        other.kernel === 'softmaxCrossEntropy' &&
        other.inputs[0] === step.inputs[0] &&
        other.inputs[1] === step.inputs[1],
    )
    // A loss of the loss (its square, say): the gradient needs the loss first, one kernel can't make both.
    if (!loss || dependsOn(trace, step.inputs[2], loss)) continue
    step.kernel = 'softmaxCrossEntropyWithGradient'
    step.outputs = [loss.outputs[0], step.outputs[0]]
    trace.steps.splice(trace.steps.indexOf(loss), 1)
  }
  trace.steps = sortSteps(trace.steps)
}

/** Whether the largest logit is the label's: the loss's kernel looks at all logits anyway. */
function fuseHits(trace: Trace): void {
  for (const step of [...trace.steps]) {
    if (step.kernel !== 'equal') continue
    for (const [best, labels] of [step.inputs, [...step.inputs].reverse()]) {
      const argMax = soleProducer(trace, best, new Set(['argMax']))
      const rows = argMax?.inputs[0]
      const loss = trace.steps.find(
        ({ kernel, inputs, outputs }) =>
          kernel === 'softmaxCrossEntropyWithGradient' &&
          rows !== undefined &&
          isSame(inputs[0], rows) &&
          isSame(inputs[1], labels) &&
          outputs.length === 2,
      )
      if (!argMax || !loss || argMax.attributes.axis !== 1 || dependsOn(trace, loss.inputs[2], step)) continue
      const hits = step.outputs[0]
      if (hits.shape.length !== 1) continue
      loss.outputs.push(hits)
      loss.flops += argMax.flops + step.flops
      trace.steps = trace.steps.filter((other) => other !== step && other !== argMax)
      break
    }
  }
  trace.steps = sortSteps(trace.steps)
}

/** A layer's bias gets the sum of what its kernel's gradient reads: one pass over it makes both. */
function fuseBiasGradient(trace: Trace): void {
  for (const step of [...trace.steps]) {
    if (step.kernel !== 'sum') continue
    const [dy] = step.inputs
    const { axis, count } = step.attributes
    if (axis !== 0 || count !== dy.shape.length - 1) continue
    const gradient = trace.steps.find(
      ({ kernel, inputs, outputs, attributes }) =>
        isSame(inputs[1], dy) &&
        outputs.length === 1 &&
        (kernel === 'conv2dKernelGradient' ||
          (kernel === 'matmul' && attributes.transposeA && !attributes.transposeB && inputs.length === 2)),
    )
    if (!gradient || dependsOn(trace, gradient.inputs[0], step)) continue
    gradient.outputs.push(step.outputs[0])
    gradient.flops += step.flops
    trace.steps.splice(trace.steps.indexOf(step), 1)
  }
  trace.steps = sortSteps(trace.steps)
}

/** Whether two values are the same numbers in the same shape. */
function isSame(a: Value | undefined, b: Value): boolean {
  return a?.root === b.root && a.offset === b.offset && sameShape(a.shape, b.shape)
}

/** What a ring records is mostly a mean: it is made where it is recorded. */
function fuseMeans(trace: Trace): void {
  for (const step of trace.steps) {
    if (step.kernel !== 'record') continue
    const scales = step.inputs.slice(1).map((value, index) => {
      const scaling = soleProducer(trace, value, new Set(['mul']))
      const [total, scale] = scaling?.inputs ?? []
      const sum = total && soleProducer(trace, total, new Set(['sum']))
      const factor = scale?.leaf instanceof Constant ? scale.leaf.values : null
      if (!sum || typeof factor !== 'number' || sizeOf(sum.outputs[0].shape) !== 1) return 1
      step.inputs[index + 1] = sum.inputs[0]
      return factor
    })
    step.attributes = { ...step.attributes, scales }
  }
  removeDeadSteps(trace)
}
