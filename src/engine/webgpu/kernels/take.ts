import takeCode from '../../../shaders/take.wgsl?raw'
import takeGradientCode from '../../../shaders/take-gradient.wgsl?raw'
import { takeExtents } from '../../ops/take.ts'
import { sizeOf } from '../../tensor.ts'
import { i32, type Lowering, read, write } from '../dispatch.ts'

/** Entries picked along an axis, and their gradient: a thread a number of the result. */
const lowerTake: Lowering = ({ kernel, inputs: { data, indices }, outputs: [y], attributes }) => {
  const [, extent, inner] = takeExtents(data.shape, Number(attributes.axis))
  return [
    {
      kernel,
      bindings: [read('data', data), read('indices', indices), write('y', y)],
      constants: {
        COUNT: sizeOf(indices.shape),
        EXTENT: i32(extent),
        INNER: inner,
        ZERO: data.dtype === 'i32' ? '0i' : '0f',
      },
      functions: [],
      code: takeCode,
      threads: sizeOf(y.shape),
    },
  ]
}

const lowerTakeGradient: Lowering = ({ kernel, inputs: { dy, indices }, outputs: [dx], attributes }) => {
  const [, extent, inner] = takeExtents(dx.shape, Number(attributes.axis))
  return [
    {
      kernel,
      bindings: [read('dy', dy), read('indices', indices), write('dx', dx)],
      constants: { COUNT: sizeOf(indices.shape), EXTENT: i32(extent), INNER: inner },
      functions: [],
      code: takeGradientCode,
      threads: sizeOf(dx.shape),
    },
  ]
}

export const takeLowerings = {
  take: lowerTake,
  takeGradient: lowerTakeGradient,
} satisfies Record<string, Lowering>
