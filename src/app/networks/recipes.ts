import type { Model } from '../../engine/facade/model.ts'
import { sequential } from '../../engine/facade/sequential.ts'
import { adam, type Optimizer } from '../../engine/training/optimizers.ts'
import { residualNetwork, residualOptimizer } from './residual.ts'
import { learningRate, tutorialArchitecture } from './tutorial.ts'

/** A network that can be trained here, and how. */
export interface Recipe {
  /** For people. */
  readonly what: string
  /** Unless others are asked for. */
  readonly epochs: number
  readonly batchSize: number
  network(seed: number): Model
  optimizer(stepsPerEpoch: number, epochs: number): Optimizer
}

export const recipes = {
  tutorial: {
    what: "the tutorial's: three convolutions and a dense layer",
    epochs: 10,
    batchSize: 256,
    network(seed) {
      const { layers, ...options } = tutorialArchitecture(seed)
      return sequential(options, layers)
    },
    optimizer: () => adam({ learningRate }),
  },
  resnet: {
    what: 'a small residual network with batch norms, which sees images mirrored and moved',
    epochs: 18,
    batchSize: 128,
    network: residualNetwork,
    optimizer: residualOptimizer,
  },
} as const satisfies Record<string, Recipe>

export type NetworkName = keyof typeof recipes
