import gatherCode from '../../../shaders/gather.wgsl?raw'
import gatherBytesCode from '../../../shaders/gather-bytes.wgsl?raw'
import scatterCode from '../../../shaders/scatter.wgsl?raw'
import { sizeOf } from '../../tensor.ts'
import { f32, type Lowering, read, write } from '../dispatch.ts'

/** How batches are made: entries picked from the data set; and where their gradients go. */
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

export const gatherLowerings = {
  gather: lowerGather,
  scatter: lowerScatter,
} satisfies Record<string, Lowering>
