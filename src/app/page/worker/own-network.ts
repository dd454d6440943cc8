import { LimelightError, type Model, modelFromBytes } from '../../../engine/index.ts'
import { tutorialArchitecture } from '../../networks/tutorial.ts'
import { task } from '../../tasks/chosen-task.ts'
import { count } from '../number-format.ts'

/** Which networks people may bring: a picture must not take minutes, whatever the network. With so few layers and weights it can't. */

/** A file larger than this is no network for pictures so small. */
const maxBytes = 64 * 2 ** 20
export const maxParameters = 16_000_000
const maxLayers = 64

/** @throws LimelightError for a file that is not worth reading */
export function checkSize({ name, size }: { readonly name: string; readonly size: number }): void {
  if (size > maxBytes)
    throw new LimelightError(
      `${name} has ${Math.round(size / 2 ** 20)} MB; a network for these pictures has at most ${maxBytes / 2 ** 20}`,
    )
}

/**
 * A file as a network for these pictures; weights alone are taken for the tutorial's.
 * @throws FormatError or LimelightError that says what is wrong with it
 */
export function networkFrom(bytes: Uint8Array, name = 'the file'): Model {
  const network = modelFromBytes(bytes, tutorialArchitecture(0))
  const { inputShape: takes, outputShape: gives } = network
  if (takes.join() !== task.inputShape.join() || gives.length !== 1 || gives[0] < 2)
    throw new LimelightError(
      `${name} holds a network from [${takes}] to [${gives}]; expected one from [${task.inputShape}] to two classes or more`,
    )
  if (network.parameterCount > maxParameters || network.layers.length > maxLayers)
    throw new LimelightError(
      `${name} holds a network of ${network.layers.length} layers and ${count(network.parameterCount)} parameters; at most ${maxLayers} and ${count(maxParameters)} are taken`,
    )
  if (task.output === 'probabilities' && network.outputActivation !== 'softmax')
    throw new LimelightError(
      `${name} holds a network that ends without a softmax; expected probabilities of the classes`,
    )
  return network
}
