import { flag, text } from '../../arguments.ts'
import { anyPadding, type Padding, type Pair, pair } from '../../ops/window.ts'
import { type ActivationName, activationName } from './activations.ts'

/** What all layers that convolve may be told. */
export interface ConvolutionConfig {
  /** Height and width of the window, or one number for both. */
  readonly kernelSize: Pair
  readonly strides?: Pair
  /** Beyond Keras's 'same' and 'valid', pixels: one number, [vertical, horizontal], or [[top, bottom], [left, right]]. */
  readonly padding?: Padding
  /** Pixels from one place of the window to the next: 1, side by side, unless given. */
  readonly dilationRate?: Pair
  readonly activation?: ActivationName
  readonly useBias?: boolean
}

/** @internal */
export const convolutionOptions = {
  layer: text,
  kernelSize: pair,
  strides: pair,
  padding: anyPadding,
  dilationRate: pair,
  activation: activationName,
  useBias: flag,
}
