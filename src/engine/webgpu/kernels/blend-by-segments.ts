import blendBySegmentsCode from '../../../shaders/blend-by-segments.wgsl?raw'
import blendLoadCode from '../../../shaders/blend-load.wgsl?raw'
import { sizeOf } from '../../tensor.ts'
import { type Lowering, read, write } from '../dispatch.ts'

/** Images of which some segments are shown and the others hidden: a thread a number of the result. */
export const lowerBlendBySegments: Lowering = ({
  kernel,
  inputs: { image, fudged, segments, masks },
  outputs: [y],
}) => [
  {
    kernel,
    bindings: [
      read('image', image),
      read('fudged', fudged),
      read('segments', segments),
      read('masks', masks),
      write('y', y),
    ],
    constants: {
      IMAGE_PIXELS: sizeOf(segments.shape),
      IMAGE_CHANNELS: image.shape[2],
      MASK_WORDS: masks.shape[1],
    },
    functions: [blendLoadCode],
    code: blendBySegmentsCode,
    threads: sizeOf(y.shape),
  },
]
