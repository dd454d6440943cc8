import type { LayersRecipe, NamedRecipe, TrainingRecipe } from '../contract/engine-api.ts'
import { tutorialLayers } from '../contract/layer-stack.ts'

/** What can be trained: layers that people put together, and a network that has a recipe. */
export const networkKinds = ['layers', 'resnet'] as const
export type NetworkKind = (typeof networkKinds)[number]

const layers = { layers: tutorialLayers, learningRate: 0.001, images: 60_000, seed: 1 } as const
const resnet = { network: 'resnet', batchSize: 128, images: 60_000, seed: 1 } as const

/** Trainings of each kind to begin with: on few images, and as its trained network that comes with the page was made. */
export const recipes = {
  layers: {
    quick: { ...layers, batchSize: 64, epochs: 3, images: 4000 },
    whole: { ...layers, batchSize: 256, epochs: 10 },
  },
  resnet: {
    quick: { ...resnet, epochs: 5, images: 4000 },
    whole: { ...resnet, epochs: 18 },
  },
} as const satisfies {
  layers: Record<'quick' | 'whole', LayersRecipe>
  resnet: Record<'quick' | 'whole', NamedRecipe>
}

export function kindOf(recipe: TrainingRecipe): NetworkKind {
  return 'layers' in recipe ? 'layers' : 'resnet'
}
