import accurateFunctions from '../../../shaders/accurate-functions.wgsl?raw'
import logSoftmaxCode from '../../../shaders/log-softmax.wgsl?raw'
import softmaxCode from '../../../shaders/softmax.wgsl?raw'
import crossEntropyCode from '../../../shaders/softmax-cross-entropy.wgsl?raw'
import crossEntropyGradientCode from '../../../shaders/softmax-cross-entropy-gradient.wgsl?raw'
import { softmaxExtents } from '../../ops/softmax.ts'
import { type Binding, type Lowering, read, write } from '../dispatch.ts'

/** One thread a row of `classes` numbers. */
function rowKernel(kernel: string, code: string, rows: number, classes: number, bindings: readonly Binding[]) {
  return { kernel, bindings, constants: { CLASSES: classes }, functions: [accurateFunctions], code, threads: rows }
}

function lowerAlong(code: string): Lowering {
  return ({ kernel, inputs: { x }, outputs: [y], attributes }) => {
    const [outer, classes, inner] = softmaxExtents(x.shape, attributes)
    const dispatch = rowKernel(kernel, code, outer * inner, classes, [read('x', x), write('y', y)])
    return [{ ...dispatch, constants: { ...dispatch.constants, INNER: inner } }]
  }
}

const storeHit = (statement: string) => `fn storeHit(row: u32, value: f32) { ${statement} }`

export const softmaxLowerings = {
  softmax: lowerAlong(softmaxCode),
  logSoftmax: lowerAlong(logSoftmaxCode),
  softmaxCrossEntropy({ kernel, inputs: { logits, labels }, outputs: [loss] }) {
    const [rows, classes] = logits.shape
    const bindings = [read('logits', logits), read('labels', labels), write('loss', loss)]
    return [rowKernel(kernel, crossEntropyCode, rows, classes, bindings)]
  },
  softmaxCrossEntropyGradient({ kernel, inputs: { logits, labels, dloss }, outputs: [dlogits] }) {
    const [rows, classes] = logits.shape
    const bindings = [read('logits', logits), read('labels', labels), read('dloss', dloss), write('dlogits', dlogits)]
    const dispatch = rowKernel(kernel, crossEntropyGradientCode, rows, classes, bindings)
    return [{ ...dispatch, functions: [accurateFunctions, 'fn storeLoss(row: u32, value: f32) {}', storeHit('')] }]
  },
  softmaxCrossEntropyWithGradient({ kernel, inputs: { logits, labels, dloss }, outputs: [loss, dlogits, ...hits] }) {
    const [rows, classes] = logits.shape
    const bindings = [
      read('logits', logits),
      read('labels', labels),
      read('dloss', dloss),
      write('dlogits', dlogits),
      write('loss', loss),
      ...hits.map((operand) => write('hits', operand)),
    ]
    const dispatch = rowKernel(kernel, crossEntropyGradientCode, rows, classes, bindings)
    const functions = [accurateFunctions, 'fn storeLoss(row: u32, value: f32) { loss[row] = value; }']
    return [{ ...dispatch, functions: [...functions, storeHit(hits.length > 0 ? 'hits[row] = value;' : '')] }]
  },
} satisfies Record<string, Lowering>
