import { oneOf, optionsOf, text, wholeNumber } from '../../arguments.ts'
import { resize } from '../../ops/resize.ts'
import { type LayerKind, withoutWeights } from './layer.ts'
import { checkImages } from './window.ts'

export interface ResizingConfig {
  readonly height: number
  readonly width: number
  /** 'bilinear' unless given. */
  readonly interpolation?: 'nearest' | 'bilinear'
}

export interface ResizingLayer extends ResizingConfig {
  readonly layer: 'resizing'
}

/** Keras's Resizing: images of another size, whatever the ratio of their sides, without antialiasing. */
export function resizing(config: ResizingConfig): ResizingLayer {
  return { layer: 'resizing', ...config }
}

/** @internal */
export const resizingKind: LayerKind<ResizingLayer> = {
  options: optionsOf<ResizingLayer>(
    { layer: text, height: wholeNumber(1), width: wholeNumber(1), interpolation: oneOf('nearest', 'bilinear') },
    'height',
    'width',
  ),
  build(caller, { height, width, interpolation = 'bilinear' }, input) {
    checkImages(caller, input)
    // Where a pixel lies between two, TensorFlow takes the second.
    return withoutWeights('Resizing', [height, width, input[2]], (x) =>
      resize(x, { size: [height, width], mode: interpolation, rounding: 'roundPreferCeil' }),
    )
  },
}
