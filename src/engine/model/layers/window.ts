import { oneOf } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { type Padding, type Pair, windowOver } from '../../ops/window.ts'
import { formatShape, type Shape } from '../../tensor.ts'

/** Layers that move a window over images. */

/** @internal */
export const padding = oneOf<'same' | 'valid'>('same', 'valid')

/** Where a window goes over images of this shape. @throws ShapeError in the layer's words where it does not fit */
export function walkOver(
  caller: string,
  input: Shape,
  option: string,
  window: Pair,
  strides: Pair,
  padding: Padding = 'valid',
  dilation?: Pair,
): readonly [height: number, width: number] {
  checkImages(caller, input)
  const { outHeight, outWidth } = windowOver(caller, [1, ...input], window, strides, padding, option, { dilation })
  return [outHeight, outWidth]
}

/** @throws ShapeError in the layer's words for what is no image */
export function checkImages(caller: string, input: Shape): void {
  if (input.length !== 3) throw new ShapeError(`${caller}: expected images [H,W,C], got ${formatShape(input)}`)
}
