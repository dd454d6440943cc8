import { sqrt, square } from '../../ops/elementwise.ts'
import { localResponseNorm } from '../../ops/normalization.ts'
import { avgPool, maxPool, type PoolOptions } from '../../ops/pool.ts'
import { type ResizeOptions, resize } from '../../ops/resize.ts'
import type { Tensor } from '../../tensor.ts'
import type { OperatorCall, OperatorFunction } from '../operators/operator-call.ts'
import { DeviceValue } from '../operators/value.ts'
import { alongRowsAndColumns, imageOf, imageOrder, paddingOf } from './image-axes.ts'

/** Windows over images that have no weights, and other sizes of images. */

function pooled(compute: (x: Tensor, options: PoolOptions) => Tensor): OperatorFunction {
  return (call) => {
    const order = imageOrder(call)
    const x = imageOf(call, call.value(0), order)
    const poolSize = alongRowsAndColumns(call, 'ksize', order)
    const strides = alongRowsAndColumns(call, 'strides', order)
    return new DeviceValue(compute(x, { poolSize, strides, padding: paddingOf(call, order) }), order)
  }
}

function resized(options: (call: OperatorCall) => Omit<ResizeOptions, 'size'>): OperatorFunction {
  return (call) => {
    const size = call.hostIntegers(1) ?? []
    if (size.length !== 2) call.invalid(`it makes images of ${size.join(', ')}; expected rows and columns`)
    return new DeviceValue(resize(imageOf(call, call.value(0)), { size: [size[0], size[1]], ...options(call) }))
  }
}

const bilinear = (call: OperatorCall) =>
  ({
    mode: 'bilinear',
    coordinates: call.flag('align_corners')
      ? 'alignCorners'
      : call.flag('half_pixel_centers')
        ? 'halfPixel'
        : 'asymmetric',
  }) as const

/** Of two pixels that are as near the later one; without attributes the one before. */
const nearest = (call: OperatorCall) => {
  const { coordinates } = bilinear(call)
  return { mode: 'nearest', coordinates, rounding: coordinates === 'asymmetric' ? 'floor' : 'roundPreferCeil' } as const
}

/** A channel is compared with all others by a matrix of so many rows and columns. */
const mostChannels = 4096

/** TensorFlow's form: alpha is not divided by the number of channels that one is compared with. */
function responseNormalised(call: OperatorCall): DeviceValue {
  const x = imageOf(call, call.value(0))
  if (x.shape[3] > mostChannels) call.unsupported(`${x.shape[3]} channels that are compared; at most ${mostChannels}`)
  const size = 2 * call.number('depth_radius', 5) + 1
  if (!Number.isSafeInteger(size) || size < 1) call.invalid(`its depth_radius is ${(size - 1) / 2}`)
  const [bias, alpha, beta] = [call.number('bias', 1), call.number('alpha', 1), call.number('beta', 0.5)]
  return new DeviceValue(localResponseNorm(x, { size, alpha: alpha * size, beta, bias }))
}

/** Under TensorFlow's names. */
export const poolingOperators: Readonly<Record<string, OperatorFunction>> = {
  AvgPool: pooled(avgPool),
  MaxPool: pooled(maxPool),
  L2Pool: pooled((x, options) => sqrt(avgPool(square(x), options))),
  LRN: responseNormalised,
  ResizeBilinear: resized(bilinear),
  ResizeNearestNeighbor: resized(nearest),
}
