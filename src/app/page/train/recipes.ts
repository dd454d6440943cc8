import type { TrainingRecipe } from '../contract/engine-api.ts'
import { tutorialLayers } from '../contract/layer-stack.ts'

/** Trainings to begin with. */
export const recipes = {
  quick: { layers: tutorialLayers, learningRate: 0.001, batchSize: 64, epochs: 3, images: 4000, seed: 1 },
  tutorial: { layers: tutorialLayers, learningRate: 0.001, batchSize: 256, epochs: 10, images: 60_000, seed: 1 },
} as const satisfies Record<string, TrainingRecipe>
