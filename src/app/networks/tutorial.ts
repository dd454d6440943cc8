import type { Architecture } from '../../engine/model/sequential.ts'
import { task } from '../tasks/chosen-task.ts'

/** Of Adam, as the tutorial trains it: Keras's own. */
export const learningRate = 0.001

/** The tutorial's network: three convolutions of 48, 32 and 16 filters, one dense layer; 144,410 parameters. */
export function tutorialArchitecture(seed: number): Architecture {
  const convolution = (filters: number) =>
    ({ layer: 'conv2d', filters, kernelSize: 3, padding: 'same', activation: 'relu' }) as const
  return {
    inputShape: task.inputShape,
    seed,
    layers: [
      convolution(48),
      convolution(32),
      convolution(16),
      { layer: 'flatten' },
      { layer: 'dense', units: task.classNames.length, activation: 'softmax' },
    ],
  }
}
