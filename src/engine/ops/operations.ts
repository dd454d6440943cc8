/** The operations that people may use, as functions on lazy tensors: public.ts checks what they are given. */
export { blendBySegments } from './blend-by-segments.ts'
export { concat, split, stack } from './concat.ts'
export { conv2d } from './conv2d.ts'
export {
  abs,
  add,
  div,
  equal,
  exp,
  greaterEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  reciprocal,
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
export { pad } from './pad.ts'
export { avgPool, maxPool } from './pool.ts'
export { random } from './random.ts'
export { argMax, max, mean } from './reduce.ts'
export { expandDims, flatten, reshape, squeeze } from './reshape.ts'
export { slice } from './slice-and-pad.ts'
export { softmax } from './softmax.ts'
export { softmaxCrossEntropy } from './softmax-cross-entropy.ts'
export { broadcastTo, expand, sum } from './sum-and-broadcast.ts'
export { transpose } from './transpose.ts'
