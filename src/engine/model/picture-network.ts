import { check, finiteNumber, listOf, oneOf, optionsOf } from '../arguments.ts'
import { ArgumentError, ShapeError } from '../errors.ts'
import { concat } from '../ops/concat.ts'
import { add, exp, mul, sub } from '../ops/elementwise.ts'
import { reshape } from '../ops/reshape.ts'
import { slice } from '../ops/slice-and-pad.ts'
import { softmax } from '../ops/softmax.ts'
import { transpose } from '../ops/transpose.ts'
import { constant, formatShape, type Shape, sizeOf, type Tensor } from '../tensor.ts'
import { type Network, only, onlyInput } from './network.ts'

/** What a network's numbers may be: of one class each, together or each for itself; or values that are of no class, an age say. */
export const outputKinds = ['probabilities', 'logits', 'log-probabilities', 'sigmoid', 'values'] as const
export type OutputKind = (typeof outputKinds)[number]

/** How a network takes pictures and what it answers, where both may be of another kind than here. */
export interface PictureConventions {
  readonly layout: 'NHWC' | 'NCHW'
  /** The order of the colours; grey has none. */
  readonly channels: 'rgb' | 'bgr' | 'grey'
  /** The network takes value x scale + offset of picture values from 0 to 1: one number, or one a channel in its own order. */
  readonly scale: readonly number[]
  readonly offset: readonly number[]
  readonly output: OutputKind
}

const finiteNumbers = listOf('a list of finite numbers, one or one for each channel', finiteNumber)

const pictureConventions = optionsOf<PictureConventions>(
  {
    layout: oneOf('NHWC', 'NCHW'),
    channels: oneOf('rgb', 'bgr', 'grey'),
    scale: finiteNumbers,
    offset: finiteNumbers,
    output: oneOf(...outputKinds),
  },
  'layout',
  'channels',
  'scale',
  'offset',
  'output',
)

/** @throws ArgumentError, ShapeError: what is taken for another convention gives wrong numbers, and no error later */
function checkConventions(conventions: PictureConventions, inputShape: Shape): void {
  check('forPictures', pictureConventions, conventions, 'conventions')
  const [, , channels] = pictureShape(inputShape, conventions.layout)
  for (const name of ['scale', 'offset'] as const) {
    const { length } = conventions[name]
    if (length !== 1 && length !== channels)
      throw new ArgumentError(
        `forPictures: ${name} has ${length} numbers; expected one, or one for each of the ${channels} channels`,
      )
  }
}

/** A network, and what was put around it. */
export interface PictureNetwork<Inner extends Network = Network> extends Network {
  /** As its file has it. */
  readonly inner: Inner
  readonly answers: Answers
}

/**
 * What a network for pictures gives: a probability of each class; those of two classes, [1 - p, p], of which devices round the first
 * each in their own way; or values that may be any numbers.
 */
export type Answers = 'probabilities' | 'pair' | 'values'

/**
 * A network of pictures as they are here, [N, height, width, channels] from 0 (black) to 1, whose answers are probabilities, [N, classes]:
 * what a file's network takes and gives is done inside it. One sigmoid alone is two classes, [1 - p, p]. Values of no class stay as they are.
 * @throws ArgumentError for conventions that there are not, ShapeError for a network whose input is no image, or whose output is not
 * one number a class
 */
export function pictureNetwork<Inner extends Network>(
  network: Inner,
  conventions: PictureConventions,
): PictureNetwork<Inner> {
  checkConventions(conventions, onlyInput(network).shape)
  const { layout, scale, offset, output } = conventions
  const [height, width, channels] = pictureShape(onlyInput(network).shape, layout)
  const answer = only('outputs', network.outputs)
  if (answer.shape.filter((extent) => extent !== 1).length > 1)
    throw new ShapeError(`the network answers with ${formatShape(answer.shape)}; expected one number a class`)
  const classes = sizeOf(answer.shape)
  const isOneSigmoid = output === 'sigmoid' && classes === 1
  return {
    inner: network,
    parameters: network.parameters,
    isOneByOne: network.isOneByOne,
    answers: output === 'values' ? 'values' : isOneSigmoid ? 'pair' : 'probabilities',
    inputs: [{ name: 'x', shape: [height, width, channels] }],
    outputs: [{ name: 'y', shape: [isOneSigmoid ? 2 : classes] }],
    apply([x], weights, context) {
      const ordered = conventions.channels === 'bgr' ? turnedChannels(x) : x
      const scaled = perChannel(ordered, mul, scale, 1)
      const taken = perChannel(scaled, add, offset, 0)
      const given = layout === 'NCHW' ? transpose(taken, [0, 3, 1, 2]) : taken
      const { outputs, updates } = network.apply([given], weights, context)
      const numbers = reshape(outputs[0], [x.shape[0], classes])
      return { outputs: [probabilities(numbers, output)], updates }
    },
  }
}

/** [height, width, channels] of an image in the order of a file. @throws ShapeError for what is none */
export function pictureShape(shape: readonly number[], layout: 'NHWC' | 'NCHW'): [number, number, 1 | 3] {
  const [height, width, channels] = layout === 'NHWC' ? shape : [shape[1], shape[2], shape[0]]
  if (shape.length !== 3 || (channels !== 1 && channels !== 3))
    throw new ShapeError(
      `the network takes ${formatShape(shape)}, which is no image of 1 or 3 channels in the order ${layout}`,
    )
  return [height, width, channels]
}

function turnedChannels(x: Tensor): Tensor {
  const parts = [2, 1, 0].map((channel) =>
    slice(x, { begin: [0, 0, 0, channel], end: [x.shape[0], x.shape[1], x.shape[2], channel + 1] }),
  )
  return concat(parts, { axis: 3 })
}

function perChannel(
  x: Tensor,
  operation: (a: Tensor, b: Tensor | number) => Tensor,
  numbers: readonly number[],
  nothing: number,
): Tensor {
  if (numbers.every((number) => number === nothing)) return x
  const same = numbers.every((number) => number === numbers[0])
  return operation(x, same ? numbers[0] : constant(numbers, [numbers.length]))
}

function probabilities(numbers: Tensor, output: OutputKind): Tensor {
  if (output === 'logits') return softmax(numbers)
  if (output === 'log-probabilities') return exp(numbers)
  if (output === 'sigmoid' && numbers.shape[1] === 1) return concat([sub(1, numbers), numbers], { axis: 1 })
  return numbers
}
