import { oneOf, optionsOf, text } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { resize } from '../../ops/resize.ts'
import { type Pair, pair, pairOf } from '../../ops/window.ts'
import { formatShape } from '../../tensor.ts'
import { type LayerKind, withoutWeights } from './layer.ts'

export interface UpSampling2dConfig {
  /** How many times as high and wide; 2 unless given. */
  readonly size?: Pair
  /** 'nearest' repeats pixels, 'bilinear' goes from one's centre to the next's; 'nearest' unless given. */
  readonly interpolation?: 'nearest' | 'bilinear'
}

export interface UpSampling2dLayer extends UpSampling2dConfig {
  readonly layer: 'upSampling2d'
}

/** Keras's UpSampling2D: images a whole number of times as large. */
export function upSampling2d(config: UpSampling2dConfig = {}): UpSampling2dLayer {
  return { layer: 'upSampling2d', ...config }
}

/** @internal */
export const upSampling2dKind: LayerKind<UpSampling2dLayer> = {
  options: optionsOf<UpSampling2dLayer>({ layer: text, size: pair, interpolation: oneOf('nearest', 'bilinear') }),
  build(caller, { size = 2, interpolation }, input) {
    if (input.length !== 3) throw new ShapeError(`${caller}: expected images [H,W,C], got ${formatShape(input)}`)
    const [vertical, horizontal] = pairOf(caller, size)
    const [height, width] = [input[0] * vertical, input[1] * horizontal]
    return withoutWeights('UpSampling2D', [height, width, input[2]], (x) =>
      resize(x, { size: [height, width], mode: interpolation }),
    )
  },
}
