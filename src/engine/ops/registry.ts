import type { Operation } from '../tensor.ts'
import { adamKind } from '../updates/adam.ts'
import { adamWKind } from '../updates/adam-w.ts'
import { assignKind } from '../updates/assign.ts'
import { nesterovKind } from '../updates/nesterov.ts'
import { recordKind } from '../updates/record.ts'
import { sgdKind } from '../updates/sgd.ts'
import type { UpdateKind } from '../updates/update.ts'
import { blendOperation } from './blend-by-segments.ts'
import { concatOperation } from './concat.ts'
import { conv2dOperation, inputGradientOperation, kernelGradientOperation } from './conv2d.ts'
import {
  depthwiseConv2dOperation,
  depthwiseInputGradientOperation,
  depthwiseKernelGradientOperation,
} from './depthwise-conv2d.ts'
import { binaryOperations, unaryOperations } from './elementwise.ts'
import { gatherOperation, scatterOperation } from './gather.ts'
import { matmulOperation } from './matmul.ts'
import { avgPoolGradientOperation, avgPoolOperation, maxPoolGradientOperation, maxPoolOperation } from './pool.ts'
import { randomOperation } from './random.ts'
import { argMaxOperation, l2Operation, maxOperation, minOperation, productOperation } from './reduce.ts'
import { resampleOperation } from './resize.ts'
import { padOperation, sliceOperation } from './slice-and-pad.ts'
import { logSoftmaxOperation, softmaxOperation } from './softmax.ts'
import { crossEntropyGradientOperation, crossEntropyOperation } from './softmax-cross-entropy.ts'
import { broadcastOperation, sumOperation } from './sum-and-broadcast.ts'
import { takeGradientOperation, takeOperation } from './take.ts'
import { transposeOperation } from './transpose.ts'
import { whereOperation } from './where.ts'

/** Of operations, whatever their attributes, the compiler is to know the names. */
const named = <N extends string>(rows: Readonly<Record<N, Operation>>): Readonly<Record<N, Operation>> => rows

/** Every operation by the name its plan steps carry. What is only a view (reshape) is not here: it leaves no step. */
const operationRows = named({
  ...unaryOperations,
  ...binaryOperations,
  where: whereOperation,
  broadcast: broadcastOperation,
  transpose: transposeOperation,
  concat: concatOperation,
  slice: sliceOperation,
  pad: padOperation,
  sum: sumOperation,
  max: maxOperation,
  min: minOperation,
  product: productOperation,
  l2: l2Operation,
  argMax: argMaxOperation,
  matmul: matmulOperation,
  conv2d: conv2dOperation,
  conv2dInputGradient: inputGradientOperation,
  conv2dKernelGradient: kernelGradientOperation,
  depthwiseConv2d: depthwiseConv2dOperation,
  depthwiseConv2dInputGradient: depthwiseInputGradientOperation,
  depthwiseConv2dKernelGradient: depthwiseKernelGradientOperation,
  maxPool: maxPoolOperation,
  maxPoolGradient: maxPoolGradientOperation,
  avgPool: avgPoolOperation,
  avgPoolGradient: avgPoolGradientOperation,
  softmax: softmaxOperation,
  logSoftmax: logSoftmaxOperation,
  softmaxCrossEntropy: crossEntropyOperation,
  softmaxCrossEntropyGradient: crossEntropyGradientOperation,
  gather: gatherOperation,
  scatter: scatterOperation,
  take: takeOperation,
  takeGradient: takeGradientOperation,
  resample: resampleOperation,
  blendBySegments: blendOperation,
  random: randomOperation,
})

const updateRows = {
  adam: adamKind,
  adamW: adamWKind,
  sgd: sgdKind,
  nesterov: nesterovKind,
  assign: assignKind,
  record: recordKind,
}

export type OperationName = keyof typeof operationRows

/** What a step of a plan may ask of a device: an operation, an update, or two steps that are fused to one of a name of its own. */
export type KernelName = OperationName | keyof typeof updateRows | 'softmaxCrossEntropyWithGradient'

export const operations: ReadonlyMap<string, Operation> = new Map(Object.entries(operationRows))

export const updateKinds: ReadonlyMap<string, UpdateKind> = new Map(Object.entries(updateRows))
