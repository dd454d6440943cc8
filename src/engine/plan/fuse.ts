import { isUnaryName } from '../ops/elementwise.ts'
import { debug, isAsked } from '../platform/debug.ts'
import { type Attributes, Constant, sameShape, sizeOf } from '../tensor.ts'
import { concatInPlace } from './concat-in-place.ts'
import { withEpilogue, withResidual } from './epilogues.ts'
import { flattenUpdates } from './flat-updates.ts'
import { changesSince, stepLabels, whatStaysAlone } from './fusion-report.ts'
import { inputsOf, type Step, type Trace, type Value } from './trace.ts'
import { bothOrders, removeDeadSteps, sortSteps, Uses } from './trace-steps.ts'

/**
 * Rewrites of a trace that save memory traffic, launches and arithmetic. Each has a name, and a device lists the names of those its
 * kernels can run; the reference device runs none. Terms:
 * - producer: a step that ends in a convolution's or a matrix product's sum. What follows element by element (its epilogue)
 *   can be done before the sum is stored: it is multiplied by a number a channel (`gain`: a batch norm's), `bias` is added, then
 *   another array like the result (`residual`: a shortcut's end), negative numbers become 0 (`relu`), another row of the elementwise
 *   table is applied (`activation`: its name, beside the row's parameters), or the result is kept only where another tensor is positive
 *   (`mask`: relu's gradient, applied inside the gradient that feeds it).
 * - prologue: what a kernel does while it loads: `blend` makes the perturbed image inside the first convolution, `recompute`
 *   the images that a cheap convolution before it (the inner one) would have stored.
 * - `half`: a convolution's products, and the sums of a few of them, may be 16-bit. Only where nothing is trained.
 *
 * Fused steps take more inputs than the plain operation, or others, and make more:
 *   conv2d: x | image, fudged, segments, masks (blend), innerKernel, innerBias (recompute), kernel, gain, bias, residual, mask
 *   conv2dInputGradient: dy, kernel, bias, mask      depthwiseConv2d: x, kernel, gain, bias, residual, mask
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

/** Applies the rewrites in `allowed` and drops steps whose results nobody reads. */
export function fuse(trace: Trace, allowed: ReadonlySet<Fusion>): Trace {
  const rewrites: Record<Fusion, (trace: Trace) => void> = {
    gates: fuseGates,
    gain: fuseGain,
    bias: fuseBias,
    residual: fuseResidual,
    relu: fuseRelu,
    mask: fuseMask,
    activation: fuseActivation,
    blend: fuseBlend,
    recompute: fuseRecompute,
    half: halveForward,
    crossEntropy: fuseCrossEntropy,
    hits: fuseHits,
    biasGradient: fuseBiasGradient,
    means: fuseMeans,
    flatUpdates: flattenUpdates,
    concatInPlace,
  }
  for (const name of fusions) {
    if (!allowed.has(name)) {
      debug('fuse', () => `${name}: no kernel of this device can do it`)
      continue
    }
    const told = isAsked('fuse') ? stepLabels(trace) : []
    rewrites[name](trace)
    debug('fuse', () => `${name}: ${changesSince(told, trace)}`)
  }
  debug('fuse', () => whatStaysAlone(trace))
  removeDeadSteps(trace)
  trace.steps = sortSteps(trace.steps)
  return trace
}

const gates = new Set(['sigmoid', 'hardSigmoid'])
const convolutions = new Set(['conv2d'])
const blends = new Set(['blendBySegments'])
const argMaxima = new Set(['argMax'])
const products = new Set(['mul'])
const sums = new Set(['sum'])
const additions = new Set(['add'])

/** Folds `step` into its producer: the step's result becomes the producer's. */
function absorb(uses: Uses, step: Step, producer: Step, added: Step['inputs'], attribute: Fusion): void {
  uses.setInputs(producer, { ...producer.inputs, ...added })
  producer.attributes = { ...producer.attributes, [attribute]: true }
  producer.flops += step.flops
  uses.merge(step, producer)
}

/** What files write out: x · sigmoid(x) is silu, and with a straight line from 0 to 1 instead of the sigmoid it is hardSwish. */
function fuseGates(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of trace.steps) {
    if (step.kernel !== 'mul') continue
    for (const [x, gate] of bothOrders(step)) {
      const gateStep = uses.soleProducer(gate, gates)
      const { alpha, beta } = gateStep?.attributes ?? {}
      const isLine = gateStep?.kernel === 'hardSigmoid'
      if (!gateStep || !isSame(gateStep.inputs.x, x) || !sameShape(gate.shape, x.shape)) continue
      if (isLine && (Math.fround(Number(alpha)) !== Math.fround(1 / 6) || beta !== 0.5)) continue
      step.kernel = isLine ? 'hardSwish' : 'silu'
      step.attributes = {}
      uses.setInputs(step, { x })
      uses.drop(gateStep)
      break
    }
  }
  uses.leave()
}

/** What is added to a sum before it is multiplied is multiplied by itself: (conv(x, k) + b) · s = conv(x, k) · s + b · s. */
function fuseGain(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of [...trace.steps]) {
    if (step.kernel !== 'mul') continue
    for (const [product, gain] of bothOrders(step)) {
      if (!isPerChannel(gain, product)) continue
      const times = (vector: Value) => uses.insert('mul', { a: vector, b: gain }, gain.shape)
      const addition = uses.soleProducer(product, additions)
      const summand = addition?.inputs.b
      const sum = addition && summand && isPerChannel(summand, addition.inputs.a) ? addition.inputs.a : product
      const producer = uses.soleProducer(sum, withResidual)
      if (!producer || isFinal(producer)) continue
      const { gain: first } = producer.inputs
      uses.setInputs(producer, { ...producer.inputs, gain: first ? times(first) : gain })
      producer.attributes = { ...producer.attributes, gain: true }
      producer.flops += step.flops
      if (addition && summand && sum !== product) {
        uses.setInputs(addition, { a: sum, b: times(summand) })
        uses.merge(step, addition)
      } else uses.merge(step, producer)
      break
    }
  }
  uses.leave()
}

/**
 * Whether `vector` has a number for each channel, the last axis, of `product` as its step made it: it may be seen under another
 * shape, as long as its channels stay channels. It may not be that product itself.
 */
function isPerChannel(vector: Value, product: Value): boolean {
  const [channels] = vector.shape
  return (
    vector.root !== product.root &&
    vector.shape.length === 1 &&
    channels === product.shape.at(-1) &&
    channels === product.root.shape.at(-1)
  )
}

function fuseBias(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of trace.steps) {
    if (step.kernel !== 'add') continue
    const { a: product, b: bias } = step.inputs
    const producer = uses.soleProducer(product, withEpilogue)
    if (!producer || !isPerChannel(bias, product) || isFinal(producer)) continue
    const { bias: first } = producer.inputs
    const total = first && uses.insert('add', { a: first, b: bias }, bias.shape)
    absorb(uses, step, producer, { bias: total ?? bias }, 'bias')
  }
  uses.leave()
}

/** A block of layers ends where what it was given is added again: while its last sum is stored. */
function fuseResidual(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of trace.steps) {
    if (step.kernel !== 'add') continue
    for (const [product, residual] of bothOrders(step)) {
      const producer = uses.soleProducer(product, withResidual)
      const isStretched = [product, residual].some(({ shape }) => !sameShape(shape, step.outputs[0].shape))
      if (!producer || isStretched || isFinal(producer) || residual.root === product.root) continue
      absorb(uses, step, producer, { residual }, 'residual')
      break
    }
  }
  uses.leave()
}

function fuseRelu(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of trace.steps) {
    if (step.kernel !== 'relu') continue
    const producer = uses.soleProducer(step.inputs.x, withEpilogue)
    if (producer && !isClipped(producer)) absorb(uses, step, producer, {}, 'relu')
  }
  uses.leave()
}

function isClipped({ attributes }: Step): boolean {
  return 'relu' in attributes || 'activation' in attributes || 'mask' in attributes
}

/** What comes last in an epilogue: nothing is added after it. */
function isFinal(step: Step): boolean {
  return 'residual' in step.attributes || isClipped(step)
}

function fuseMask(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of trace.steps) {
    if (step.kernel !== 'mul') continue
    for (const [gradient, slope] of bothOrders(step)) {
      const slopeStep = uses.writerOf(slope)
      const producer = uses.soleProducer(gradient, withEpilogue)
      const stretches = [slope, step.outputs[0]].some((other) => sizeOf(other.shape) !== sizeOf(gradient.shape))
      if (slopeStep?.kernel !== 'step' || !producer || isClipped(producer) || stretches) continue
      absorb(uses, step, producer, { mask: slopeStep.inputs.x }, 'mask')
      break
    }
  }
  uses.leave()
}

/**
 * Other activations are done while sums are stored, too, unless something else reads the sums: a gradient, say. Masks come first: they read
 * what their slopes, a row like others, would be made of.
 */
function fuseActivation(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of trace.steps) {
    if (!isUnaryName(step.kernel)) continue
    const producer = uses.soleProducer(step.inputs.x, withEpilogue)
    if (!producer || isClipped(producer)) continue
    producer.attributes = { ...producer.attributes, ...step.attributes, activation: step.kernel }
    producer.flops += step.flops
    uses.merge(step, producer)
  }
  uses.leave()
}

function fuseBlend(trace: Trace): void {
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
function fuseRecompute(trace: Trace): void {
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

/** Windows without gaps that move by a pixel and see all channels. */
function isDense({ attributes }: Step): boolean {
  const { strideY, strideX, dilationY = 1, dilationX = 1, groups = 1 } = attributes
  return [strideY, strideX, dilationY, dilationX, groups].every((value) => value === 1)
}

/** Gradients are small differences of large numbers: a graph that has any, or trains, keeps all digits. */
function halveForward(trace: Trace): void {
  if (trace.steps.some(({ states, isGradient }) => states.length > 0 || isGradient)) return
  for (const step of trace.steps) if (step.kernel === 'conv2d') step.attributes = { ...step.attributes, half: true }
}

/** The loss and its gradient share the softmax: one kernel makes both. */
function fuseCrossEntropy(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of trace.steps) {
    if (step.kernel !== 'softmaxCrossEntropyGradient') continue
    const { logits, labels, dloss } = step.inputs
    const loss = uses
      .readingSteps(logits)
      .find(
        ({ kernel, inputs }) =>
          kernel === 'softmaxCrossEntropy' && inputs.logits === logits && inputs.labels === labels,
      )
    // A loss of the loss (its square, say): the gradient needs the loss first, one kernel can't make both.
    if (!loss || uses.dependsOn(dloss, loss)) continue
    const [gradient] = step.outputs
    step.kernel = 'softmaxCrossEntropyWithGradient'
    step.outputs = []
    uses.addOutput(step, loss.outputs[0])
    uses.addOutput(step, gradient)
    uses.drop(loss)
  }
  uses.leave()
}

/** Whether the largest logit is the label's: the loss's kernel looks at all logits anyway. */
function fuseHits(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of trace.steps) {
    if (step.kernel !== 'equal') continue
    for (const [best, labels] of bothOrders(step)) {
      const argMax = uses.soleProducer(best, argMaxima)
      const rows = argMax?.inputs.x
      if (!argMax || !rows) continue
      const loss = uses
        .readingSteps(rows)
        .find(
          ({ kernel, inputs, outputs }) =>
            kernel === 'softmaxCrossEntropyWithGradient' &&
            isSame(inputs.logits, rows) &&
            isSame(inputs.labels, labels) &&
            outputs.length === 2,
        )
      if (!loss || argMax.attributes.axis !== 1 || uses.dependsOn(loss.inputs.dloss, step)) continue
      const hits = step.outputs[0]
      if (hits.shape.length !== 1) continue
      uses.addOutput(loss, hits)
      loss.flops += argMax.flops + step.flops
      uses.drop(step)
      uses.drop(argMax)
      break
    }
  }
  uses.leave()
}

/** A layer's bias gets the sum of what its kernel's gradient reads: one pass over it makes both. */
function fuseBiasGradient(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of trace.steps) {
    if (step.kernel !== 'sum') continue
    const { x: dy } = step.inputs
    const { axis, count } = step.attributes
    if (axis !== 0 || count !== dy.shape.length - 1) continue
    const gradient = uses
      .readingSteps(dy)
      .find(
        ({ kernel, inputs, outputs, attributes }) =>
          outputs.length === 1 &&
          ((kernel === 'conv2dKernelGradient' && isSame(inputs.dy, dy)) ||
            (kernel === 'matmul' &&
              dy.shape.length === 2 &&
              isSame(inputs.b, dy) &&
              attributes.transposeA &&
              !attributes.transposeB &&
              !fusedAttributes.some((name) => name in attributes))),
      )
    if (!gradient || inputsOf(gradient).some((input) => uses.dependsOn(input, step))) continue
    uses.addOutput(gradient, step.outputs[0])
    gradient.flops += step.flops
    uses.drop(step)
  }
  uses.leave()
}

/** Whether two values are the same numbers in the same shape. */
function isSame(a: Value | undefined, b: Value): boolean {
  return a?.root === b.root && a.offset === b.offset && sameShape(a.shape, b.shape)
}

/** What a ring records is mostly a mean: it is made where it is recorded. */
function fuseMeans(trace: Trace): void {
  const uses = new Uses(trace)
  for (const step of trace.steps) {
    if (step.kernel !== 'record') continue
    const { position: _position, ...values } = step.inputs
    const scales = Object.entries(values).map(([name, value]) => {
      const scaling = uses.soleProducer(value, products)
      const { a: total, b: scale } = scaling?.inputs ?? {}
      const sum = total && uses.soleProducer(total, sums)
      const factor = scale?.leaf instanceof Constant ? scale.leaf.values : null
      if (!sum || typeof factor !== 'number' || sizeOf(sum.outputs[0].shape) !== 1) return 1
      uses.setInputs(step, { ...step.inputs, [name]: sum.inputs.x })
      return factor
    })
    step.attributes = { ...step.attributes, scales }
  }
  removeDeadSteps(trace)
}
