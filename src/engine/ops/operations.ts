/** The operations that people may use, as functions on lazy tensors: public.ts checks what they are given. */
export { blendBySegments } from './blend-by-segments.ts'
export { conv2d } from './conv2d.ts'
export {
  abs,
  add,
  broadcastTo,
  div,
  equal,
  exp,
  greaterEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  relu,
  sigmoid,
  sign,
  sqrt,
  square,
  step,
  sub,
  tanh,
} from './elementwise.ts'
export { gather } from './gather.ts'
export { dense, matmul } from './matmul.ts'
export { avgPool, maxPool } from './pool.ts'
export { random } from './random.ts'
export { argMax, max, mean, sum } from './reduce.ts'
export { flatten, reshape } from './reshape.ts'
export { softmax } from './softmax.ts'
export { softmaxCrossEntropy } from './softmax-cross-entropy.ts'
