import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Model } from '../../engine/facade/model.ts'
import { type OutputKind, outputKinds } from '../../engine/model/picture-network.ts'
import { classNamesIn, namesBeside } from '../inputs/model-file.ts'
import { type PictureTask, pictureTask, statedImages } from '../tasks/picture-task.ts'
import { integer, number, path } from './options.ts'

/** What people say of a network's pictures where its file does not: the same options for all that takes a picture. */
export interface PictureCommandOptions {
  readonly scale?: number
  readonly mean?: readonly number[]
  readonly std?: readonly number[]
  readonly bgr?: boolean
  readonly classNames?: string
  readonly output?: OutputKind
  readonly inputShape?: readonly number[]
}

function numbers(text: string): number[] {
  try {
    return text.split(',').map(number)
  } catch {
    throw new InvalidArgumentError('expected a number, or one for each channel with commas between them')
  }
}

function extents(text: string): number[] {
  try {
    return text.split(/[,x]/).map(integer(1))
  } catch {
    throw new InvalidArgumentError('expected positive integers with commas between them, as in 3,224,224')
  }
}

export function addInputShape(command: Command): Command {
  return command.option(
    '--input-shape <extents>',
    'of one sample in the order of the file, where it leaves that open',
    extents,
  )
}

export function addPictureOptions(command: Command): Command {
  return addInputShape(command)
    .option('--scale <number>', 'the network takes (pixel from 0 to 255 x scale - mean) / std; 1 unless given', number)
    .option('--mean <numbers>', "see --scale: a number, or one for each channel in the network's own order", numbers)
    .option('--std <numbers>', 'see --scale', numbers)
    .option('--bgr', 'the network takes blue, green, red')
    .option('--class-names <file>', 'what the classes are called: one a line, or JSON', path)
    .addOption(new Option('--output <kind>', "what the network's numbers are").choices([...outputKinds]))
}

/** What is known of a network's pictures, and where from. */
export async function pictureTaskFor(
  model: Model,
  modelPath: string,
  { classNames, ...options }: PictureCommandOptions,
): Promise<PictureTask> {
  const beside = await namesBeside(modelPath)
  const images = { ...statedImages(model), ...(beside && { classNames: beside }) }
  const given = classNames === undefined ? undefined : await classNamesIn(classNames, `--class-names ${classNames}`)
  return pictureTask(model, images, { ...options, classNames: given })
}
