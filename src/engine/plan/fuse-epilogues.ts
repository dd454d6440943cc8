import { isUnaryName } from '../ops/elementwise.ts'
import { sameShape, sizeOf } from '../tensor.ts'
import { withEpilogue, withResidual } from './epilogues.ts'
import type { Fusion } from './fusions.ts'
import type { Step, Trace, Value } from './trace.ts'
import { bothOrders, isSame, Uses } from './trace-steps.ts'

/** What follows a sum element by element is done before it is stored: rewrites that give producers their epilogues. */

const gates = new Set(['sigmoid', 'hardSigmoid'])
const additions = new Set(['add'])

/** Folds `step` into its producer: the step's result becomes the producer's. */
function absorb(uses: Uses, step: Step, producer: Step, added: Step['inputs'], attribute: Fusion): void {
  uses.setInputs(producer, { ...producer.inputs, ...added })
  producer.attributes = { ...producer.attributes, [attribute]: true }
  producer.flops += step.flops
  uses.merge(step, producer)
}

/** What files write out: x · sigmoid(x) is silu, and with a straight line from 0 to 1 instead of the sigmoid it is hardSwish. */
export function fuseGates(trace: Trace): void {
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
export function fuseGain(trace: Trace): void {
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

export function fuseBias(trace: Trace): void {
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
export function fuseResidual(trace: Trace): void {
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

export function fuseRelu(trace: Trace): void {
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

export function fuseMask(trace: Trace): void {
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
export function fuseActivation(trace: Trace): void {
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
