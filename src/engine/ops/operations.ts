/** The operations that people may use, as functions on lazy tensors: public.ts checks what they are given. */
export { blendBySegments } from './blend-by-segments.ts'
export { concat, split, stack } from './concat.ts'
export { conv2d } from './conv2d.ts'
export { conv2dTranspose } from './conv2d-transpose.ts'
export { depthwiseConv2d } from './depthwise-conv2d.ts'
export {
  abs,
  add,
  and,
  ceil,
  clip,
  cos,
  div,
  elu,
  equal,
  erf,
  exp,
  floor,
  gelu,
  greater,
  greaterEqual,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  less,
  lessEqual,
  log,
  maximum,
  minimum,
  mish,
  mul,
  neg,
  not,
  notEqual,
  or,
  pow,
  prelu,
  reciprocal,
  relu,
  relu6,
  round,
  rsqrt,
  selu,
  sigmoid,
  sign,
  silu,
  sin,
  softplus,
  sqrt,
  square,
  step,
  sub,
  tanh,
  xor,
} from './elementwise.ts'
export { gather } from './gather.ts'
export { dense, matmul } from './matmul.ts'
export { batchNorm, groupNorm, instanceNorm, layerNorm, localResponseNorm } from './normalization.ts'
export { pad } from './pad.ts'
export { avgPool, globalAveragePool, globalMaxPool, maxPool } from './pool.ts'
export { random } from './random.ts'
export { argMax, argMin, l2, max, mean, min, product } from './reduce.ts'
export { expandDims, flatten, reshape, squeeze } from './reshape.ts'
export { resize } from './resize.ts'
export { slice } from './slice-and-pad.ts'
export { logSoftmax, softmax } from './softmax.ts'
export { softmaxCrossEntropy } from './softmax-cross-entropy.ts'
export { broadcastTo, expand, sum } from './sum-and-broadcast.ts'
export { take } from './take.ts'
export { transpose } from './transpose.ts'
export { where } from './where.ts'
