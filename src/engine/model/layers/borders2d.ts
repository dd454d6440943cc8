import { isListOf, optionsOf, text, thatIs } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { type Margin, pad } from '../../ops/pad.ts'
import { formatShape, type Shape } from '../../tensor.ts'
import { type LayerKind, withoutWeights } from './layer.ts'

/** Pixels at an image's borders: a number for all four, [height, width], or [[top, bottom], [left, right]]. */
export type Borders = number | readonly [number, number] | readonly [Margin, Margin]

export interface ZeroPadding2dConfig {
  readonly padding?: Borders
}

export interface ZeroPadding2dLayer extends ZeroPadding2dConfig {
  readonly layer: 'zeroPadding2d'
}

export interface Cropping2dConfig {
  readonly cropping?: Borders
}

export interface Cropping2dLayer extends Cropping2dConfig {
  readonly layer: 'cropping2d'
}

/** Keras's ZeroPadding2D: zeros around images, one pixel wide unless given. */
export function zeroPadding2d(config: ZeroPadding2dConfig = {}): ZeroPadding2dLayer {
  return { layer: 'zeroPadding2d', ...config }
}

/** Keras's Cropping2D: images without their borders; nothing is cut off unless given. */
export function cropping2d(config: Cropping2dConfig = {}): Cropping2dLayer {
  return { layer: 'cropping2d', ...config }
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0
const isPairOf = (value: unknown, test: (item: unknown) => boolean) => isListOf(value, test) && value.length === 2

const borders = thatIs<Borders>(
  'a whole number >= 0, two, [height, width], or [[top, bottom], [left, right]]',
  (value) => isCount(value) || isPairOf(value, isCount) || isPairOf(value, (side) => isPairOf(side, isCount)),
)

/** Top and bottom, left and right. */
function marginsOf(given: Borders): readonly [Margin, Margin] {
  const [vertical, horizontal] = typeof given === 'number' ? [given, given] : given
  const marginOf = (side: number | Margin): Margin => (typeof side === 'number' ? [side, side] : side)
  return [marginOf(vertical), marginOf(horizontal)]
}

/** A layer that adds borders, or takes them away where margins are negative. */
function withMargins(caller: string, type: string, input: Shape, [vertical, horizontal]: readonly [Margin, Margin]) {
  if (input.length !== 3) throw new ShapeError(`${caller}: expected images [H,W,C], got ${formatShape(input)}`)
  const [height, width, channels] = input
  const output = [height + vertical[0] + vertical[1], width + horizontal[0] + horizontal[1], channels]
  if (output.some((extent) => extent < 1))
    throw new ShapeError(`${caller}: nothing is left of images ${formatShape(input)} without these borders`)
  return withoutWeights(type, output, (x) => pad(x, [[0, 0], vertical, horizontal, [0, 0]]))
}

/** @internal */
export const zeroPadding2dKind: LayerKind<ZeroPadding2dLayer> = {
  options: optionsOf<ZeroPadding2dLayer>({ layer: text, padding: borders }),
  build: (caller, { padding = 1 }, input) => withMargins(caller, 'ZeroPadding2D', input, marginsOf(padding)),
}

/** @internal */
export const cropping2dKind: LayerKind<Cropping2dLayer> = {
  options: optionsOf<Cropping2dLayer>({ layer: text, cropping: borders }),
  build(caller, { cropping = 0 }, input) {
    const [[top, bottom], [left, right]] = marginsOf(cropping)
    return withMargins(caller, 'Cropping2D', input, [
      [-top, -bottom],
      [-left, -right],
    ])
  },
}
