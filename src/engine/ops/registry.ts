import type { Operation } from '../tensor.ts'
import { adamKind } from '../updates/adam.ts'
import { recordKind } from '../updates/record.ts'
import { sgdKind } from '../updates/sgd.ts'
import type { UpdateKind } from '../updates/update.ts'
import { blendOperation } from './blend-by-segments.ts'
import { conv2dOperation, inputGradientOperation, kernelGradientOperation } from './conv2d.ts'
import { binaryOperations, broadcastOperation, unaryOperations } from './elementwise.ts'
import { gatherOperation, scatterOperation } from './gather.ts'
import { matmulOperation } from './matmul.ts'
import { avgPoolGradientOperation, avgPoolOperation, maxPoolGradientOperation, maxPoolOperation } from './pool.ts'
import { randomOperation } from './random.ts'
import { argMaxOperation, maxOperation, sumOperation } from './reduce.ts'
import { softmaxOperation } from './softmax.ts'
import { crossEntropyGradientOperation, crossEntropyOperation } from './softmax-cross-entropy.ts'

/** Every operation by the name its plan steps carry. Views (reshape) are not here: they leave no step. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  [
    ...Object.values(unaryOperations),
    ...Object.values(binaryOperations),
    broadcastOperation,
    sumOperation,
    maxOperation,
    argMaxOperation,
    matmulOperation,
    conv2dOperation,
    inputGradientOperation,
    kernelGradientOperation,
    maxPoolOperation,
    maxPoolGradientOperation,
    avgPoolOperation,
    avgPoolGradientOperation,
    softmaxOperation,
    crossEntropyOperation,
    crossEntropyGradientOperation,
    gatherOperation,
    scatterOperation,
    blendOperation,
    randomOperation,
  ].map((operation: Operation) => [operation.name, operation]),
)

export const updateKinds: ReadonlyMap<string, UpdateKind> = new Map(
  [adamKind, sgdKind, recordKind].map((kind) => [kind.name, kind]),
)
