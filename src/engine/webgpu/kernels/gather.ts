import blendBySegmentsCode from '../../../shaders/blend-by-segments.wgsl?raw'
import blendLoadCode from '../../../shaders/blend-load.wgsl?raw'
import gatherCode from '../../../shaders/gather.wgsl?raw'
import gatherBytesCode from '../../../shaders/gather-bytes.wgsl?raw'
import randomCode from '../../../shaders/random.wgsl?raw'
import scatterCode from '../../../shaders/scatter.wgsl?raw'
import { sizeOf } from '../../tensor.ts'
import { f32, type Lowering, read, write } from '../dispatch.ts'

/** What makes a plan's images: picked from the data set, blended of two, drawn at random. */
const lowerGather: Lowering = ({ kernel, inputs: { data, indices }, outputs: [y], attributes }) => {
  const scale = data.dtype === 'i32' ? '1i' : f32(Number(attributes.scale))
  return [
    {
      kernel,
      bindings: [read('data', data), read('indices', indices), write('y', y)],
      constants: { LENGTH: sizeOf(data.shape.slice(1)), SCALE: scale },
      functions: [],
      code: data.dtype === 'u8' ? gatherBytesCode : gatherCode,
      threads: sizeOf(y.shape),
    },
  ]
}

const lowerScatter: Lowering = ({ kernel, inputs: { dy, indices }, outputs: [dx], attributes }) => [
  {
    kernel,
    bindings: [read('dy', dy), read('indices', indices), write('dx', dx)],
    constants: {
      COUNT: indices.shape[0],
      LENGTH: sizeOf(dy.shape.slice(1)),
      SCALE: f32(Number(attributes.scale)),
    },
    functions: [],
    code: scatterCode,
    threads: sizeOf(dx.shape),
  },
]

const lowerBlend: Lowering = ({ kernel, inputs: { image, fudged, segments, masks }, outputs: [y] }) => [
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

const lowerRandom: Lowering = ({ kernel, inputs: { position }, outputs: [y], attributes }) => [
  {
    kernel,
    bindings: [read('position', position), write('y', y)],
    constants: { SEED: Number(attributes.seed) },
    functions: [],
    code: randomCode,
    threads: sizeOf(y.shape),
  },
]

export const gatherLowerings = {
  gather: lowerGather,
  scatter: lowerScatter,
  blendBySegments: lowerBlend,
  random: lowerRandom,
} satisfies Record<string, Lowering>
