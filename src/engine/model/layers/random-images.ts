import { numberFrom, oneOf, optionsOf, text, wholeNumber } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { add, greaterEqual, mul, sub } from '../../ops/elementwise.ts'
import { pad } from '../../ops/pad.ts'
import { random } from '../../ops/random.ts'
import { slice } from '../../ops/slice-and-pad.ts'
import type { Tensor } from '../../tensor.ts'
import { type LayerContext, type LayerKind, withoutWeights } from './layer.ts'
import { checkImages } from './window.ts'

/**
 * Layers that show a training other images than it has: each image of a batch is changed by chance, and anew with each step. Chance is
 * a function of the seed and of the step's number, as for dropout, so that a training that goes on from a checkpoint sees the same
 * images. In use they do nothing.
 */

export interface RandomFlipConfig {
  /** 'horizontalAndVertical' unless given. */
  readonly mode?: 'horizontal' | 'vertical' | 'horizontalAndVertical'
}

export interface RandomFlipLayer extends RandomFlipConfig {
  readonly layer: 'randomFlip'
}

/** Keras's RandomFlip: every other image, by chance, is seen in a mirror; left and right, and top and bottom, by themselves. */
export function randomFlip(config: RandomFlipConfig = {}): RandomFlipLayer {
  return { layer: 'randomFlip', ...config }
}

/** @internal */
export const randomFlipKind: LayerKind<RandomFlipLayer> = {
  options: optionsOf<RandomFlipLayer>({ layer: text, mode: oneOf('horizontal', 'vertical', 'horizontalAndVertical') }),
  build(caller, { mode = 'horizontalAndVertical' }, input) {
    checkImages(caller, input)
    return withoutWeights('RandomFlip', input, (x, _weights, context) => {
      if (!context.training) return x
      const [acrossRows, acrossColumns] = draws(x, 2, context)
      const rows = mode === 'horizontal' ? x : eitherOf(acrossRows, x, slice(x, { steps: [1, -1] }))
      return mode === 'vertical' ? rows : eitherOf(acrossColumns, rows, slice(rows, { steps: [1, 1, -1] }))
    })
  },
}

export interface RandomTranslationConfig {
  /** How far images are moved at most, as a share of their height and width; it is rounded to whole pixels. */
  readonly heightFactor: number
  readonly widthFactor: number
  /** What comes in at the border: the image mirrored there ('reflect', unless given), its last pixels ('nearest'), or zeros ('constant'). */
  readonly fillMode?: 'reflect' | 'nearest' | 'constant'
}

export interface RandomTranslationLayer extends RandomTranslationConfig {
  readonly layer: 'randomTranslation'
}

/**
 * Keras's RandomTranslation, by whole pixels: each image is moved up or down and left or right, each distance up to the largest being as
 * probable. 'reflect' does not repeat the outermost pixels.
 */
export function randomTranslation(config: RandomTranslationConfig): RandomTranslationLayer {
  return { layer: 'randomTranslation', ...config }
}

const fills = { reflect: 'reflect', nearest: 'edge', constant: 'constant' } as const

/** @internal */
export const randomTranslationKind: LayerKind<RandomTranslationLayer> = {
  options: optionsOf<RandomTranslationLayer>(
    {
      layer: text,
      heightFactor: numberFrom(0, 1),
      widthFactor: numberFrom(0, 1),
      fillMode: oneOf('reflect', 'nearest', 'constant'),
    },
    'heightFactor',
    'widthFactor',
  ),
  build(caller, { heightFactor, widthFactor, fillMode = 'reflect' }, input) {
    checkImages(caller, input)
    const [height, width] = input
    const farthest = [Math.round(heightFactor * height), Math.round(widthFactor * width)]
    if (fillMode === 'reflect' && (farthest[0] >= height || farthest[1] >= width))
      throw new ShapeError(
        `${caller}: images of ${height} x ${width} pixels can't be moved by ${farthest.join(' and ')} and mirrored at the border; give smaller factors, or another fillMode`,
      )
    return withoutWeights('RandomTranslation', input, (x, _weights, context) => {
      if (!context.training) return x
      const chances = draws(x, 2, context)
      return farthest.reduce((y, most, i) => moved(y, i + 1, most, chances[i], fills[fillMode]), x)
    })
  },
}

export interface RandomCropConfig {
  readonly height: number
  readonly width: number
}

export interface RandomCropLayer extends RandomCropConfig {
  readonly layer: 'randomCrop'
}

/**
 * Keras's RandomCrop: a part of each image, this many pixels high and wide, from anywhere in it while training, each place being as
 * probable; in use from its middle, as in Keras 3. Images must be as large at least: a smaller one is not made larger.
 */
export function randomCrop(config: RandomCropConfig): RandomCropLayer {
  return { layer: 'randomCrop', ...config }
}

/** @internal */
export const randomCropKind: LayerKind<RandomCropLayer> = {
  options: optionsOf<RandomCropLayer>(
    { layer: text, height: wholeNumber(1), width: wholeNumber(1) },
    'height',
    'width',
  ),
  build(caller, { height, width }, input) {
    checkImages(caller, input)
    const spare = [input[0] - height, input[1] - width]
    if (spare.some((pixels) => pixels < 0))
      throw new ShapeError(`${caller}: images of ${input[0]} x ${input[1]} pixels have no part of ${height} x ${width}`)
    return withoutWeights('RandomCrop', [height, width, input[2]], (x, _weights, context) => {
      if (!context.training)
        return slice(x, {
          begin: [0, ...spare.map((pixels) => Math.floor(pixels / 2))],
          size: [x.shape[0], height, width, x.shape[3]],
        })
      const chances = draws(x, 2, context)
      return spare.reduce((y, pixels, i) => partOf(y, i + 1, pixels, chances[i]), x)
    })
  },
}

/** So many numbers in [0, 1) for each image of a batch, [N,1,1,1] each. */
function draws(x: Tensor, count: number, { position, seed }: LayerContext): Tensor[] {
  const drawn = random(position, [x.shape[0], 1, 1, count], seed)
  return Array.from({ length: count }, (_, i) => slice(drawn, { begin: [0, 0, 0, i], size: [x.shape[0], 1, 1, 1] }))
}

/** 1 where a number is at least `part` of `whole`, to the last bit the same on every device: numbers are multiples of 2^-24. */
function isBeyond(chance: Tensor, part: number, whole: number): Tensor {
  return greaterEqual(chance, Math.ceil((part / whole) * 2 ** 24) / 2 ** 24)
}

/** a for half of the images, b for the others. A product with 0 or 1 changes no digit. */
function eitherOf(chance: Tensor, a: Tensor, b: Tensor): Tensor {
  const isB = isBeyond(chance, 1, 2)
  return add(mul(a, sub(1, isB)), mul(b, isB))
}

/** Each image moved along an axis by a distance from -most to most. */
function moved(x: Tensor, axis: number, most: number, chance: Tensor, mode: 'reflect' | 'edge' | 'constant'): Tensor {
  const margins = x.shape.map((_, other) => (other === axis ? ([most, most] as const) : ([0, 0] as const)))
  return partOf(pad(x, margins, { mode }), axis, 2 * most, chance)
}

/** Of each image all but so many pixels along an axis, from any of the places where it may begin. */
function partOf(x: Tensor, axis: number, spare: number, chance: Tensor): Tensor {
  if (spare === 0) return x
  const size = x.shape.with(axis, x.shape[axis] - spare)
  const places = spare + 1
  // One product for each place: only that of the image's own is not 0.
  const parts = Array.from({ length: places }, (_, k) => {
    const part = slice(x, { begin: x.shape.map((_, other) => (other === axis ? k : 0)), size })
    return mul(part, sub(isBeyond(chance, k, places), isBeyond(chance, k + 1, places)))
  })
  return parts.reduce((sum, part) => add(sum, part))
}
