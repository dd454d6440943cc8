import { binaryRows, byName, unaryRows } from '../../ops/elementwise.ts'
import type { KernelName } from '../../ops/registry.ts'
import type { CpuKernel } from '../kernel.ts'
import { blendBySegments } from './blend-by-segments.ts'
import { conv2d, conv2dInputGradient, conv2dKernelGradient } from './choose-convolution.ts'
import {
  depthwiseConv2d,
  depthwiseConv2dInputGradient,
  depthwiseConv2dKernelGradient,
} from './depthwise-convolution.ts'
import { binaryKernel, broadcast, unaryKernel, where } from './elementwise.ts'
import { gather, scatter } from './gather.ts'
import { matmul } from './matmul.ts'
import { concat, pad, slice, transpose } from './move.ts'
import { packPanels } from './panels.ts'
import { avgPool, avgPoolGradient, maxPool, maxPoolGradient } from './pool.ts'
import { random } from './random.ts'
import { argMax, l2, max, min, product, sum } from './reduce.ts'
import { resample } from './resample.ts'
import {
  logSoftmax,
  softmax,
  softmaxCrossEntropy,
  softmaxCrossEntropyGradient,
  softmaxCrossEntropyWithGradient,
} from './softmax.ts'
import { take, takeGradient } from './take.ts'
import { adam, adamW, assign, nesterov, record, sgd } from './updates.ts'
import { winogradPlanes } from './winograd.ts'

/** Steps that no operation is: what arrangements.ts asks for. */
type ArrangingKernel = 'packPanels' | 'winogradPlanes'

/** Every kernel by the name its plan step carries. */
const kernels = {
  ...byName(unaryRows, unaryKernel),
  ...byName(binaryRows, binaryKernel),
  where,
  broadcast,
  transpose,
  concat,
  slice,
  pad,
  sum,
  max,
  min,
  product,
  l2,
  argMax,
  matmul,
  conv2d,
  conv2dInputGradient,
  conv2dKernelGradient,
  depthwiseConv2d,
  depthwiseConv2dInputGradient,
  depthwiseConv2dKernelGradient,
  maxPool,
  maxPoolGradient,
  avgPool,
  avgPoolGradient,
  softmax,
  logSoftmax,
  softmaxCrossEntropy,
  softmaxCrossEntropyGradient,
  softmaxCrossEntropyWithGradient,
  gather,
  scatter,
  take,
  takeGradient,
  resample,
  blendBySegments,
  random,
  adam,
  adamW,
  sgd,
  nesterov,
  assign,
  record,
  packPanels,
  winogradPlanes,
} satisfies Record<KernelName, CpuKernel> & Record<ArrangingKernel, CpuKernel>

export const cpuKernels: ReadonlyMap<string, CpuKernel> = new Map(Object.entries(kernels))
