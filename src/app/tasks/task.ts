import { LimelightError } from '../../engine/errors.ts'
import type { OutputKind } from '../../engine/model/picture-network.ts'
import type { Samples } from '../../engine/model/samples.ts'

/** What networks are trained and explained for: which pictures they take, and what their answers mean. */
export interface Task {
  /** For people. */
  readonly name: string
  /** What class i is called. */
  readonly classNames: readonly string[]
  /** Of one picture, in pixels; one channel is grey, three are red, green and blue. */
  readonly inputShape: readonly [height: number, width: number, channels: 1 | 3]
  readonly preprocessing: Preprocessing
  /** What the network's numbers are, one a class. */
  readonly output: OutputKind
}

/**
 * From a picture to what the network takes. People see pictures, and explanations hide parts of them, so a picture's values are
 * 0 (black) to 1 (white) everywhere; the network takes value * scale + offset.
 */
export interface Preprocessing {
  /** One a channel. */
  readonly scale: readonly number[]
  /** One a channel. */
  readonly offset: readonly number[]
  /** How a picture of another size comes to the network's: whole, with a border; its middle; or stretched. */
  readonly resize: 'fit' | 'crop' | 'stretch'
}

/** What is asked of a network to know whether it is one for a task: the shapes of one sample. */
interface NetworkShapes {
  readonly inputShape: readonly number[]
  readonly outputShape: readonly number[]
}

/** Whether a network takes the task's pictures and answers with as many numbers as the task has classes. */
export function isFor({ inputShape, classNames }: Task, network: NetworkShapes): boolean {
  return network.inputShape.join() === inputShape.join() && network.outputShape.join() === String(classNames.length)
}

/**
 * What a network's classes are called: as in the task where it is one for it. Of any other nothing is known but their number; one
 * output alone is the probability of class 1, and class 0 has the rest.
 */
export function classNamesOf(task: Task, network: NetworkShapes): readonly string[] {
  if (isFor(task, network)) return task.classNames
  const outputs = network.outputShape.at(-1) ?? 1
  return Array.from({ length: Math.max(2, outputs) }, (_, label) => `class ${label}`)
}

function changesNothing({ scale, offset }: Preprocessing): boolean {
  return scale.every((value) => value === 1) && offset.every((value) => value === 0)
}

/** Pictures as bytes, [N, height, width, channels], as the samples that the task's networks take. */
export function samplesOf({ inputShape, preprocessing }: Task, pixels: Uint8Array): Samples {
  const [height, width, channels] = inputShape
  const shape = [pixels.length / (height * width * channels), ...inputShape]
  // Bytes stay bytes: a data set then takes a quarter of the memory.
  if (changesNothing(preprocessing)) return { data: pixels, shape, scale: 1 / 255 }
  const { scale, offset } = preprocessing
  const data = Float32Array.from(pixels, (byte, i) => (byte / 255) * scale[i % channels] + offset[i % channels])
  return { data, shape }
}

/**
 * One picture as bytes, [height, width, channels], as what is explained.
 * @throws LimelightError where the network takes other values than the picture's: explaining hands it those as they are
 */
export function pictureOf({ name, inputShape, preprocessing }: Task, pixels: Uint8Array) {
  if (!changesNothing(preprocessing))
    throw new LimelightError(`${name}: its networks take other values than 0 to 1, which can't be explained yet`)
  return { data: Float64Array.from(pixels, (byte) => byte / 255), shape: inputShape }
}
