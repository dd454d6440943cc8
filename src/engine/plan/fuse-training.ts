import { Constant, sizeOf } from '../tensor.ts'
import { fusedAttributes } from './fusions.ts'
import { inputsOf, type Trace } from './trace.ts'
import { bothOrders, isSame, removeDeadSteps, Uses } from './trace-steps.ts'

/** What training computes beside its gradients is made by the kernel that has the numbers at hand. */

const argMaxima = new Set(['argMax'])
const products = new Set(['mul'])
const sums = new Set(['sum'])

/** The loss and its gradient share the softmax: one kernel makes both. */
export function fuseCrossEntropy(trace: Trace): void {
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
export function fuseHits(trace: Trace): void {
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
export function fuseBiasGradient(trace: Trace): void {
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

/** What a ring records is mostly a mean: it is made where it is recorded. */
export function fuseMeans(trace: Trace): void {
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
