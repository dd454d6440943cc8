import { ArgumentError, ShapeError } from '../../engine/errors.ts'
import type { Model } from '../../engine/facade/model.ts'
import type { Stated, StatedImages } from '../../engine/formats/opened-model.ts'
import { type OutputKind, pictureShape } from '../../engine/model/picture-network.ts'
import { formatShape, sizeOf } from '../../engine/tensor.ts'
import { task } from './chosen-task.ts'
import { isFor } from './task.ts'

/**
 * How a network wants its pictures and what its answers mean: what people say comes first, then what the file says, then what
 * its shapes and its last operation show. What nothing tells stays unknown: nothing is guessed, and each carries its source.
 */
export interface PictureTask {
  /** Of a picture, as it is shown: [height, width, channels]. */
  readonly pictureShape: readonly [height: number, width: number, channels: 1 | 3]
  readonly layout: Stated<'NHWC' | 'NCHW'>
  readonly channels: Stated<'rgb' | 'bgr' | 'grey'>
  /** The network takes (pixel from 0 to 255) x scale + offset; null where nothing tells. */
  readonly preprocessing: Stated<{ readonly scale: readonly number[]; readonly offset: readonly number[] }> | null
  readonly output: Stated<OutputKind> | null
  /** How many it tells apart; null where it does not answer with one number a class, but with boxes or a map, say. */
  readonly classes: number | null
  /** As many as the network has numbers; one sigmoid alone has two classes. null where nothing tells. */
  readonly classNames: Stated<readonly string[]> | null
}

/** What people say of a network's pictures. */
export interface PictureOptions {
  /** The network takes (pixel x scale - mean) / std, pixels from 0 to 255: a number, or one a channel in the network's order. */
  readonly scale?: number
  readonly mean?: readonly number[]
  readonly std?: readonly number[]
  readonly bgr?: boolean
  readonly classNames?: Stated<readonly string[]>
  readonly output?: OutputKind
}

/** What a model's file says of pictures; that of a network that was trained here says on which. */
export function statedImages(model: Model): StatedImages {
  return { ...trainedHere(model), ...model.images }
}

function trainedHere(model: Model): StatedImages {
  if (model.metadata.data !== task.name || !isFor(task, model)) return {}
  const source = `trained on ${task.name}, its file says`
  const { scale, offset } = task.preprocessing
  return {
    preprocessing: { value: { scale: scale.map((factor) => factor / 255), offset }, source },
    classNames: { value: task.classNames, source },
    output: { value: task.output, source },
  }
}

/**
 * @param images what the file says
 * @throws ArgumentError for what does not fit the network, ShapeError for a network that takes no pictures
 */
export function pictureTask(model: Model, images: StatedImages, options: PictureOptions): PictureTask {
  const { inputs } = model.network
  if (inputs.length !== 1)
    throw new ShapeError(
      `the network has ${inputs.length} inputs (${inputs.map(({ name }) => name).join(', ')}), not one picture`,
    )
  const layout = layoutOf(model.inputShape, images)
  const shape = pictureShape(model.inputShape, layout.value)
  const numbers = numbersOf(model)
  const output = outputOf(model, numbers, images, options)
  const classes = output?.value === 'sigmoid' && numbers === 1 ? 2 : numbers
  return {
    pictureShape: shape,
    layout,
    channels: channelsOf(shape[2], images, options),
    preprocessing: preprocessingOf(shape[2], images, options),
    output,
    classes,
    classNames: classNamesOf(model, classes, images, options),
  }
}

function layoutOf(shape: readonly number[], { layout }: StatedImages): Stated<'NHWC' | 'NCHW'> {
  if (layout) return layout
  const isColours = (extent: number) => extent === 1 || extent === 3
  const source = `the shape of its input, ${formatShape(shape)}`
  const [first, last] = [isColours(shape[0]), isColours(shape[shape.length - 1])]
  if (shape.length !== 3 || first === last)
    throw new ShapeError(`the network takes ${formatShape(shape)}, which is no image of 1 or 3 channels`)
  return { value: first ? 'NCHW' : 'NHWC', source }
}

function channelsOf(count: 1 | 3, { channels }: StatedImages, { bgr }: PictureOptions): PictureTask['channels'] {
  if (count === 1) {
    if (bgr) throw new ArgumentError('--bgr: the network takes grey pictures, which have no order of colours')
    return { value: 'grey', source: 'the shape of its input' }
  }
  if (bgr) return { value: 'bgr', source: '--bgr' }
  return channels ?? { value: 'rgb', source: 'the usual order, as nothing says otherwise' }
}

function preprocessingOf(
  channels: number,
  { preprocessing }: StatedImages,
  { scale, mean, std }: PictureOptions,
): PictureTask['preprocessing'] {
  if (scale === undefined && !mean && !std) return preprocessing ?? null
  const perChannel = (option: string, values: readonly number[]) => {
    if (values.length !== 1 && values.length !== channels)
      throw new ArgumentError(
        `${option}: ${values.length} numbers given; expected one, or one for each of the ${channels} channels`,
      )
    return Array.from({ length: channels }, (_, channel) => values[values.length === 1 ? 0 : channel])
  }
  const means = perChannel('--mean', mean ?? [0])
  const deviations = perChannel('--std', std ?? [1])
  if (deviations.some((deviation) => !(deviation > 0))) throw new ArgumentError('--std: expected numbers > 0')
  if (scale === 0) throw new ArgumentError('--scale: expected another number than 0, which makes all pictures the same')
  const given = Object.entries({ scale, mean, std }).filter(([, value]) => value !== undefined)
  return {
    value: {
      scale: deviations.map((deviation) => (scale ?? 1) / deviation),
      offset: deviations.map((deviation, channel) => -means[channel] / deviation),
    },
    source: given.map(([name]) => `--${name}`).join(', '),
  }
}

/** How many numbers it answers with, where each is of a class; null for several outputs, boxes, and maps of the picture. */
function numbersOf({ network }: Model): number | null {
  const [{ shape }, ...others] = network.outputs
  return others.length === 0 && shape.filter((extent) => extent !== 1).length <= 1 ? sizeOf(shape) : null
}

function outputOf(
  model: Model,
  numbers: number | null,
  images: StatedImages,
  { output }: PictureOptions,
): PictureTask['output'] {
  if (output && numbers === null) throw new ArgumentError(`--output: ${noClasses(model)}`)
  if (output) return { value: output, source: '--output' }
  if (numbers === null) return null
  if (images.output) return images.output
  const ends = { softmax: 'probabilities', logSoftmax: 'log-probabilities', sigmoid: 'sigmoid' } as const
  const activation = model.outputActivation
  const value = Object.entries(ends).find(([name]) => name === activation)?.[1]
  return value ? { value, source: `its last operation, a ${activation}` } : null
}

function noClasses({ network }: Model): string {
  return `the network answers with ${network.outputs.map(({ shape }) => formatShape(shape)).join(', ')}, no number a class`
}

function classNamesOf(
  model: Model,
  count: number | null,
  images: StatedImages,
  options: PictureOptions,
): PictureTask['classNames'] {
  if (count === null) {
    if (options.classNames) throw new ArgumentError(`${options.classNames.source}: ${noClasses(model)}`)
    return null
  }
  const names = options.classNames ?? images.classNames
  if (!names || names.value.length === count) return names ?? null
  const [least, most] = [count, names.value.length].toSorted((a, b) => a - b)
  const hint =
    least + 1 === most
      ? ': one has a class for the background (1,001 for the 1,000 of ImageNet), the other has not; take the list that was made for this network'
      : ''
  throw new ArgumentError(`${names.source}: ${names.value.length} names, and the network has ${count} classes${hint}`)
}

/**
 * The model for pictures as they are here.
 * @throws ArgumentError for what must be known, and is not; ShapeError for a network that tells no classes apart
 */
export function pictureModel(model: Model, { layout, channels, preprocessing, output, classes }: PictureTask): Model {
  if (classes === null) throw new ShapeError(`${noClasses(model)}: boxes or maps can't be named`)
  if (!preprocessing)
    throw new ArgumentError(
      "the file does not say how its network takes pixels: give --scale, --mean and --std, or a run's model these fields (scale 1 for pixels from 0 to 255 as they are)",
    )
  if (!output)
    throw new ArgumentError(
      "the file does not say what its network's numbers are: give --output, or a run's model this field: logits, say",
    )
  const { scale, offset } = preprocessing.value
  const perChannel = (values: readonly number[], times: number) =>
    Array.from(
      { length: channels.value === 'grey' ? 1 : 3 },
      (_, channel) => times * values[values.length === 1 ? 0 : channel],
    )
  return model.forPictures({
    layout: layout.value,
    channels: channels.value,
    // Values here are from 0 to 1.
    scale: perChannel(scale, 255),
    offset: perChannel(offset, 1),
    output: output.value,
  })
}

/** What a class, or a value, is called; its number where its list has no name. */
export function className({ classNames, output }: PictureTask, label: number): string {
  return classNames?.value[label] || `${output?.value === 'values' ? 'value' : 'class'} ${label}`
}
