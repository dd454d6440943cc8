import { binaryRows, byName, unaryRows } from '../../ops/elementwise.ts'
import type { KernelName } from '../../ops/registry.ts'
import type { CpuKernel } from '../kernel.ts'
import { blendBySegments } from './blend-by-segments.ts'
import { conv2d } from './choose-convolution.ts'
import { depthwiseConv2d } from './depthwise-convolution.ts'
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
import { winogradPlanes } from './winograd.ts'

/** Steps that no operation is: what arrangements.ts asks for. */
type ArrangingKernel = 'packPanels' | 'winogradPlanes'

/** What is loaded with the first plan that trains something. */
type TrainingKernel = keyof typeof import('./training-kernels.ts')

/** By the names that plan steps carry. */
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
  depthwiseConv2d,
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
  packPanels,
  winogradPlanes,
} satisfies Record<Exclude<KernelName, TrainingKernel>, CpuKernel> & Record<ArrangingKernel, CpuKernel>

/** All that have been loaded. */
const loaded = new Map<string, CpuKernel>(Object.entries(kernels))

/** The kernels of steps of these names. */
export async function kernelsNamed(names: readonly string[]): Promise<ReadonlyMap<string, CpuKernel>> {
  if (names.every((name) => loaded.has(name))) return loaded
  const training: Record<TrainingKernel & KernelName, CpuKernel> = await import('./training-kernels.ts')
  for (const [name, kernel] of Object.entries(training)) loaded.set(name, kernel)
  return loaded
}
