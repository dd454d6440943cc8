import type { Operation } from '../tensor.ts'
import { adamKind } from '../updates/adam.ts'
import { recordKind } from '../updates/record.ts'
import { sgdKind } from '../updates/sgd.ts'
import type { UpdateKind } from '../updates/update.ts'
import { blendOperation } from './blend-by-segments.ts'
import { concatOperation } from './concat.ts'
import { conv2dOperation, inputGradientOperation, kernelGradientOperation } from './conv2d.ts'
import { binaryOperations, unaryOperations } from './elementwise.ts'
import { gatherOperation, scatterOperation } from './gather.ts'
import { matmulOperation } from './matmul.ts'
import { avgPoolGradientOperation, avgPoolOperation, maxPoolGradientOperation, maxPoolOperation } from './pool.ts'
import { randomOperation } from './random.ts'
import { argMaxOperation, maxOperation } from './reduce.ts'
import { padOperation, sliceOperation } from './slice-and-pad.ts'
import { softmaxOperation } from './softmax.ts'
import { crossEntropyGradientOperation, crossEntropyOperation } from './softmax-cross-entropy.ts'
import { broadcastOperation, sumOperation } from './sum-and-broadcast.ts'
import { transposeOperation } from './transpose.ts'

/** Of operations, whatever their attributes, the compiler is to know the names. */
const named = <N extends string>(rows: Readonly<Record<N, Operation>>): Readonly<Record<N, Operation>> => rows

/** Every operation by the name its plan steps carry. What is only a view (reshape) is not here: it leaves no step. */
const operationRows = named({
  ...unaryOperations,
  ...binaryOperations,
  broadcast: broadcastOperation,
  transpose: transposeOperation,
  concat: concatOperation,
  slice: sliceOperation,
  pad: padOperation,
  sum: sumOperation,
  max: maxOperation,
  argMax: argMaxOperation,
  matmul: matmulOperation,
  conv2d: conv2dOperation,
  conv2dInputGradient: inputGradientOperation,
  conv2dKernelGradient: kernelGradientOperation,
  maxPool: maxPoolOperation,
  maxPoolGradient: maxPoolGradientOperation,
  avgPool: avgPoolOperation,
  avgPoolGradient: avgPoolGradientOperation,
  softmax: softmaxOperation,
  softmaxCrossEntropy: crossEntropyOperation,
  softmaxCrossEntropyGradient: crossEntropyGradientOperation,
  gather: gatherOperation,
  scatter: scatterOperation,
  blendBySegments: blendOperation,
  random: randomOperation,
})

const updateRows = { adam: adamKind, sgd: sgdKind, record: recordKind }

export type OperationName = keyof typeof operationRows

/** What a step of a plan may ask of a device: an operation, an update, or two steps that are fused to one of a name of its own. */
export type KernelName = OperationName | keyof typeof updateRows | 'softmaxCrossEntropyWithGradient'

export const operations: ReadonlyMap<string, Operation> = new Map(Object.entries(operationRows))

export const updateKinds: ReadonlyMap<string, UpdateKind> = new Map(Object.entries(updateRows))
