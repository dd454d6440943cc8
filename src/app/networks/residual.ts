import { type Model, model } from '../../engine/facade/model.ts'
import { add, input, type SymbolicTensor } from '../../engine/model/graph.ts'
import {
  activation,
  batchNormalization,
  conv2d,
  dense,
  globalAveragePooling2d,
  randomFlip,
  randomTranslation,
} from '../../engine/model/layers/public.ts'
import { cosineDecay } from '../../engine/training/learning-rates.ts'
import { type Optimizer, sgd } from '../../engine/training/optimizers.ts'
import { task } from '../tasks/chosen-task.ts'

/**
 * A small residual network (He et al., Deep Residual Learning for Image Recognition, 2015), as they wrote it for CIFAR-10, with one
 * block a stage: 3 x 3 convolutions with batch norms, 16, 32 and 64 filters, images halved where filters double; 78,000 parameters.
 * While it is trained, images are mirrored and moved by up to a pixel.
 */
export function residualNetwork(seed: number): Model {
  const image = input({ shape: task.inputShape })
  const moved = image.through(
    randomFlip({ mode: 'horizontal' }),
    randomTranslation({
      heightFactor: 1 / task.inputShape[0],
      widthFactor: 1 / task.inputShape[1],
      fillMode: 'nearest',
    }),
  )
  const stem = convolve(moved, { filters: 16 }).through(activation('relu'))
  const last = block(block(block(stem, 16, 1), 32, 2), 64, 2)
  const outputs = last.through(
    globalAveragePooling2d(),
    dense({ units: task.classNames.length, activation: 'softmax' }),
  )
  return model({ inputs: image, outputs, seed })
}

/** Two convolutions beside a shortcut, which is a convolution itself where the shape changes. */
function block(x: SymbolicTensor, filters: number, strides: number): SymbolicTensor {
  const first = convolve(x, { filters, strides }).through(activation('relu'))
  const second = convolve(first, { filters })
  const shortcut = strides === 1 ? x : convolve(x, { filters, strides, kernelSize: 1 })
  return add([second, shortcut]).through(activation('relu'))
}

/** The batch norm has what a bias would add. */
function convolve(
  x: SymbolicTensor,
  { filters, strides = 1, kernelSize = 3 }: { filters: number; strides?: number; kernelSize?: number },
): SymbolicTensor {
  const convolution = conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false })
  // Keras's momentum of 0.99 would still hold much of the first steps at the end of a short training.
  return x.through(convolution, batchNormalization({ momentum: 0.9 }))
}

/** SGD that looks ahead; its rate rises for an epoch and then falls to nothing. */
export function residualOptimizer(stepsPerEpoch: number, epochs: number): Optimizer {
  const warmupSteps = Math.max(1, Math.min(stepsPerEpoch, Math.floor((stepsPerEpoch * epochs) / 2)))
  const learningRate = cosineDecay({
    initialLearningRate: 0.01,
    warmupTarget: 0.2,
    warmupSteps,
    decaySteps: Math.max(1, stepsPerEpoch * epochs - warmupSteps),
  })
  return sgd({ learningRate, momentum: 0.9, nesterov: true })
}
