import { type BinaryName, binaryRows, type UnaryName, unaryRows } from '../../ops/elementwise.ts'
import type { CpuKernel } from '../kernel.ts'
import { conv2d, conv2dInputGradient, conv2dKernelGradient } from './choose-convolution.ts'
import { binaryKernel, broadcast, unaryKernel } from './elementwise.ts'
import { matmul } from './matmul.ts'
import { avgPool, avgPoolGradient, maxPool, maxPoolGradient } from './pool.ts'
import { argMax, max, sum } from './reduce.ts'
import { blendBySegments, gather, random, scatter } from './rows.ts'
import {
  softmax,
  softmaxCrossEntropy,
  softmaxCrossEntropyGradient,
  softmaxCrossEntropyWithGradient,
} from './softmax.ts'
import { adam, record, sgd } from './updates.ts'

/** Every kernel by the name its plan step carries. */
export const cpuKernels: ReadonlyMap<string, CpuKernel> = new Map<string, CpuKernel>([
  ...(Object.keys(unaryRows) as UnaryName[]).map((name) => [name, unaryKernel(name)] as const),
  ...(Object.keys(binaryRows) as BinaryName[]).map((name) => [name, binaryKernel(name)] as const),
  ...Object.entries({
    broadcast,
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
  }),
])
