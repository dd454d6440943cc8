import { adam, LimelightError, type Model, type Optimizer, Sequential, stackLayers } from '../../../engine/index.ts'
import { sizeOf } from '../../../engine/tensor.ts'
import { recipes } from '../../networks/recipes.ts'
import { task } from '../../tasks/chosen-task.ts'
import type { LayerRow, NetworkChoice, NetworkOutline, TrainingRecipe } from '../contract/engine-api.ts'
import { architectureOf } from '../contract/layer-stack.ts'
import { count } from '../number-format.ts'
import { maxParameters } from './own-network.ts'

/** Networks before their training: what they are made of, and how a training begins. */

/** A network that is still as chance made it, and what will change that. */
export interface Untrained {
  readonly network: Model
  readonly optimizer: Optimizer
}

/** What a training by this recipe begins with. Its images are those that there are: schedules depend on their number. */
export function untrained(recipe: TrainingRecipe): Untrained {
  const { seed, images, batchSize, epochs } = recipe
  if ('layers' in recipe) {
    const architecture = architectureOf(recipe.layers, task.inputShape, task.classNames.length, seed)
    return {
      network: new Sequential(architecture, architecture.layers),
      optimizer: adam({ learningRate: recipe.learningRate }),
    }
  }
  const { network, optimizer } = recipes[recipe.network]
  return { network: network(seed), optimizer: optimizer(Math.ceil(images / batchSize), epochs) }
}

/** What a network is made of, or why it is none. */
export function outlineOf(choice: NetworkChoice): NetworkOutline {
  try {
    return typeof choice === 'string' ? outlineOfGraph(recipes[choice].network(0)) : outlineOfStack(choice)
  } catch (error) {
    if (!(error instanceof LimelightError)) throw error
    return { problem: error.message, parameters: 0, layers: [] }
  }
}

/** Without a number of its weights: there may be too many. */
function outlineOfStack(choice: Exclude<NetworkChoice, string>): NetworkOutline {
  const { layers: stack } = architectureOf(choice, task.inputShape, task.classNames.length, 0)
  const layers = stackLayers(task.inputShape, stack).map(({ type, outputShape, weights }): LayerRow => {
    return { title: type, outputShape, parameters: numbersOf(weights), takes: [] }
  })
  const parameters = layers.reduce((sum, layer) => sum + layer.parameters, 0)
  const problem =
    parameters > maxParameters
      ? `it would have ${count(parameters)} parameters; more than ${count(maxParameters)} are not trained here`
      : null
  return { problem, parameters, layers }
}

function outlineOfGraph({ network, parameterCount }: Model): NetworkOutline {
  const { inputs } = network
  const calls = 'calls' in network ? network.calls : []
  const titles = [...inputs, ...calls].map(({ name }) => name)
  const layers = calls.map(({ name, layer: { outputShape, weights }, inputs: taken }, at): LayerRow => {
    const before = inputs.length + at - 1
    const takes = taken.length === 1 && taken[0] === before ? [] : taken.map((tensor) => titles[tensor])
    return { title: name, outputShape, parameters: numbersOf(weights), takes }
  })
  return { problem: null, parameters: parameterCount, layers }
}

function numbersOf(weights: readonly { readonly shape: readonly number[] }[]): number {
  return weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
}
