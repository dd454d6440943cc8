import { modelFormats } from '../../../engine/formats/registry.ts'
import { LimelightError, loadModel, type Model } from '../../../engine/index.ts'
import { tutorialArchitecture } from '../../networks/tutorial.ts'
import { task } from '../../tasks/chosen-task.ts'
import { pictureModel, pictureTask, statedImages } from '../../tasks/picture-task.ts'
import { count } from '../number-format.ts'
import type { NamedFiles } from './kept.ts'

/** Which networks people may bring: a picture must not take minutes, whatever the network. With so few layers and weights it can't. */

/** Files larger than this are no network for pictures so small. */
const maxBytes = 64 * 2 ** 20
export const maxParameters = 16_000_000
const maxLayers = 64
/** Of a file that has operators: what is one layer here may be several there. */
const maxNodes = 1000

/** Files none of which is of a format that networks have. The page knows it by its name. */
export class NoNetworkError extends LimelightError {
  override readonly name: string = 'NoNetworkError'
}

/** A network of pictures in colour, or of larger ones, or a larger file: one for photographs. The page knows it by its name. */
export class PhotographNetworkError extends LimelightError {
  override readonly name: string = 'PhotographNetworkError'
}

/** @throws LimelightError for files that are not worth reading */
export function checkSize(files: readonly { readonly size: number }[]): void {
  const size = files.reduce((sum, file) => sum + file.size, 0)
  if (size > maxBytes)
    throw new PhotographNetworkError(
      `it has ${Math.round(size / 2 ** 20)} MB; a network for these pictures has at most ${maxBytes / 2 ** 20}. Under Photographs larger ones are taken`,
    )
}

/**
 * Files as a network for these pictures, of any format; weights alone are taken for the tutorial's.
 * @throws NoNetworkError, PhotographNetworkError, or another LimelightError that says what is wrong with it
 */
export async function networkFrom(content: Uint8Array | NamedFiles): Promise<Model> {
  const files = content instanceof Uint8Array ? [content] : Array.from(content.values())
  const whole = await opened(files.length === 1 ? files[0] : content, files)
  const network = forPictures(whole)
  const { inputShape: takes, outputShape: gives } = network
  if (takes.join() !== task.inputShape.join() || gives.length !== 1 || gives[0] < 2)
    refuseShapes(
      `it leads from [${takes}] to [${gives}]; expected one from [${task.inputShape}] to two classes or more`,
      whole,
    )
  const { layers } = network
  if (network.parameterCount > maxParameters || layers.length > maxLayers || nodesOf(network) > maxNodes)
    throw new LimelightError(
      `it has ${layers.length || nodesOf(network)} layers and ${count(network.parameterCount)} parameters; at most ${maxLayers} and ${count(maxParameters)} are taken`,
    )
  const { outputActivation: end } = network
  if (task.output === 'probabilities' && end !== 'softmax')
    throw new LimelightError(
      `it ends in ${end === null ? 'no activation' : `the activation ${end}`}; expected a softmax or its logarithm, which make probabilities that are 1 together`,
    )
  return network
}

function refuseShapes(why: string, model: Model): never {
  if (isForPhotographs(model)) throw new PhotographNetworkError(`${why}. Under Photographs it can be asked`)
  throw new LimelightError(why)
}

function isForPhotographs(model: Model): boolean {
  const [ownHeight, ownWidth] = task.inputShape
  try {
    const { classes, pictureShape } = pictureTask(model, statedImages(model), {})
    const [height, width, channels] = pictureShape
    return classes !== null && (channels === 3 || height * width > ownHeight * ownWidth)
  } catch (error) {
    if (error instanceof LimelightError) return false
    throw error
  }
}

async function opened(source: Uint8Array | NamedFiles, files: readonly Uint8Array[]): Promise<Model> {
  const isKnown = files.some((bytes) => modelFormats.some(({ sniff }) => sniff(bytes)))
  return loadModel(source, { fallback: tutorialArchitecture(0) }).catch((error) => {
    throw isKnown || !(error instanceof LimelightError) ? error : new NoNetworkError(error.message)
  })
}

function nodesOf({ network }: Model): number {
  const inner = 'inner' in network ? network.inner : network
  return 'nodes' in inner ? inner.nodes.length : 0
}

/**
 * A network of another format takes its pictures in its own way, as far as its file says; where that says nothing of pixels, or of its
 * answers, they are as those of the networks here. Log-probabilities get a softmax as logits do: it makes the probabilities of them,
 * and the page asks its networks for one.
 */
function forPictures(model: Model): Model {
  const isOurs =
    model.origin?.format === 'safetensors' &&
    Object.keys(model.images).length === 0 &&
    model.outputActivation !== 'logSoftmax'
  if (isOurs || model.inputShape.length !== 3) return model
  const stated = pictureTask(model, statedImages(model), {})
  const source = `as the networks of ${task.name} take them`
  const { scale, offset } = task.preprocessing
  const output = stated.output ?? { value: task.output, source }
  return pictureModel(model, {
    ...stated,
    preprocessing: stated.preprocessing ?? { value: { scale: scale.map((factor) => factor / 255), offset }, source },
    output: output.value === 'log-probabilities' ? { ...output, value: 'logits' } : output,
  })
}
