import { softmaxOperation } from '../ops/softmax.ts'
import { Input, Resident, type Tensor } from '../tensor.ts'
import { type ActivationName, activations } from './layers/activations.ts'
import { inUse, type Network } from './network.ts'

/** What the numbers are that a network gives: its output is asked, not its layers, which networks need not have. */

/**
 * Whether these are probabilities of classes, the last axis; their logits are what the softmax was given, the operation's input.
 */
export function isSoftmax({ operation, attributes }: Tensor): boolean {
  return operation.name === softmaxOperation.name && attributes.axis === undefined
}

/** Whether these are probabilities, each by itself. */
export function isSigmoid(output: Tensor): boolean {
  return output.operation.name === 'sigmoid'
}

/** The activation that a network ends in, of its first output; null where that is none, or another operation. */
export function outputActivation(network: Network): ActivationName | null {
  const inputs = network.inputs.map(({ name, shape }) => new Input(name, [1, ...shape]))
  const weights = network.parameters.map(({ name, shape }) => new Resident(name, 0, shape))
  const output = beneathViews(network.apply(inputs, weights, inUse).outputs[0])
  const { name } = output.operation
  return isActivation(name) && (name !== softmaxOperation.name || isSoftmax(output)) ? name : null
}

/** The numbers as they were made, before they were only given another shape. */
function beneathViews(tensor: Tensor): Tensor {
  let made = tensor
  while (made.operation.name === 'reshape') made = made.inputs[0]
  return made
}

function isActivation(name: string): name is ActivationName {
  return Object.hasOwn(activations, name)
}
