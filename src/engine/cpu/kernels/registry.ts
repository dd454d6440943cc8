import { binaryRows, byName, unaryRows } from '../../ops/elementwise.ts'
import type { KernelName } from '../../ops/registry.ts'
import type { CpuKernel } from '../kernel.ts'
import { blendBySegments } from './blend-by-segments.ts'
import { conv2d, conv2dInputGradient, conv2dKernelGradient } from './choose-convolution.ts'
import { binaryKernel, broadcast, unaryKernel } from './elementwise.ts'
import { gather, scatter } from './gather.ts'
import { matmul } from './matmul.ts'
import { concat, pad, slice, transpose } from './move.ts'
import { avgPool, avgPoolGradient, maxPool, maxPoolGradient } from './pool.ts'
import { random } from './random.ts'
import { argMax, max, sum } from './reduce.ts'
import {
  softmax,
  softmaxCrossEntropy,
  softmaxCrossEntropyGradient,
  softmaxCrossEntropyWithGradient,
} from './softmax.ts'
import { adam, record, sgd } from './updates.ts'

/** Every kernel by the name its plan step carries. */
const kernels = {
  ...byName(unaryRows, unaryKernel),
  ...byName(binaryRows, binaryKernel),
  broadcast,
  transpose,
  concat,
  slice,
  pad,
  sum,
  max,
  argMax,
  matmul,
  conv2d,
  conv2dInputGradient,
  conv2dKernelGradient,
  maxPool,
  maxPoolGradient,
  avgPool,
  avgPoolGradient,
  softmax,
  softmaxCrossEntropy,
  softmaxCrossEntropyGradient,
  softmaxCrossEntropyWithGradient,
  gather,
  scatter,
  blendBySegments,
  random,
  adam,
  sgd,
  record,
} satisfies Record<KernelName, CpuKernel>

export const cpuKernels: ReadonlyMap<string, CpuKernel> = new Map(Object.entries(kernels))
