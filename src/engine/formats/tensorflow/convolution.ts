import { conv2d } from '../../ops/conv2d.ts'
import { conv2dTranspose } from '../../ops/conv2d-transpose.ts'
import { depthwiseConv2d } from '../../ops/depthwise-conv2d.ts'
import { add, mul } from '../../ops/elementwise.ts'
import type { Padding } from '../../ops/window.ts'
import type { Tensor } from '../../tensor.ts'
import type { OperatorCall, OperatorFunction } from '../operators/operator-call.ts'
import { DeviceValue, HostValue, type Value } from '../operators/value.ts'
import { withFusedOperations } from './activations.ts'
import { type Blocked, blocked, blocksOf } from './blocks.ts'
import { alongRowsAndColumns, imageOf, imageOrder, paddingOf } from './image-axes.ts'

/** Convolutions of TensorFlow's graphs and TensorFlow Lite's. Kernels come as [KH,KW,in,out], TensorFlow's. */

type Convolve = (
  x: Tensor,
  options: {
    readonly strides: readonly [number, number]
    readonly padding: Padding
    readonly dilation: readonly [number, number]
  },
) => Tensor

/** The images of a node's input, convolved as its attributes say. */
function convolved(call: OperatorCall, convolve: Convolve): DeviceValue {
  const order = imageOrder(call)
  const x = imageOf(call, call.value(0), order)
  const strides = alongRowsAndColumns(call, 'strides', order)
  const dilation = alongRowsAndColumns(call, 'dilations', order, [1, 1, 1, 1])
  const padding = paddingOf(call, order)
  const whole = dilatedInstead({ strides, dilation, padding }) ? blocksOf(x) : undefined
  if (!whole) return new DeviceValue(convolve(x, { strides, padding, dilation }), order)
  return new DeviceValue(convolveWhole(whole, convolve), order)
}

/** What cut images into blocks wanted dilation: the whole images are convolved so, and cut again, which nobody may need. */
function convolveWhole({ whole, block }: Blocked, convolve: Convolve): Tensor {
  return blocked(convolve(whole, { strides: [1, 1], padding: 'valid', dilation: block }), block)
}

function dilatedInstead(window: {
  strides: readonly number[]
  dilation: readonly number[]
  padding: Padding
}): boolean {
  return window.padding === 'valid' && [...window.strides, ...window.dilation].every((step) => step === 1)
}

/** @param kernel [KH,KW,in/groups,out] */
export function convolution(call: OperatorCall, kernel: Tensor, bias?: Tensor): DeviceValue {
  return convolved(call, (x, options) => {
    const groups = x.shape[3] / kernel.shape[2]
    return conv2d(x, kernel, { ...options, groups, bias })
  })
}

/** @param kernel [KH,KW,in,multiplier] */
export function depthwiseConvolution(call: OperatorCall, kernel: Tensor, bias?: Tensor): DeviceValue {
  return convolved(call, (x, options) => depthwiseConv2d(x, kernel, { ...options, bias }))
}

/**
 * What makes images of a size that is given of smaller ones: the gradient of a convolution.
 * @param kernel [KH,KW,out,in]
 * @param size of the images that it makes, as the node has it; how many they are is the batch's business
 */
export function transposedConvolution(
  call: OperatorCall,
  images: Value,
  kernel: Tensor,
  size: readonly number[],
  bias?: Tensor,
): DeviceValue {
  const order = imageOrder(call)
  const x = imageOf(call, images, order)
  const strides = alongRowsAndColumns(call, 'strides', order)
  const dilation = alongRowsAndColumns(call, 'dilations', order, [1, 1, 1, 1])
  if (size.length !== 4) call.invalid(`the size of its output has ${size.length} numbers; expected 4`)
  const asked = [size[order[1]], size[order[2]]]
  const given = paddingOf(call, order)
  const sides = [0, 1].map((axis) => {
    const covered = (kernel.shape[axis] - 1) * dilation[axis] + 1
    const all = (x.shape[axis + 1] - 1) * strides[axis] + covered
    const around = typeof given === 'string' ? Math.max(0, all - asked[axis]) : sum(sidesAlong(given, axis))
    const before = typeof given === 'string' ? Math.floor(around / 2) : sidesAlong(given, axis)[0]
    return { before, after: around - before, more: asked[axis] - (all - around) }
  })
  const y = conv2dTranspose(x, kernel, {
    strides,
    dilation,
    padding: [
      [sides[0].before, sides[0].after],
      [sides[1].before, sides[1].after],
    ],
    outputPadding: [sides[0].more, sides[1].more],
    bias,
  })
  return new DeviceValue(y, order)
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

function sidesAlong(padding: Exclude<Padding, string>, axis: number): readonly [number, number] {
  const own = typeof padding === 'number' ? padding : padding[axis]
  return typeof own === 'number' ? [own, own] : own
}

/** x and a number a channel. */
function biased(call: OperatorCall): DeviceValue {
  const x = call.onDevice(call.value(0))
  const last = x.shape.length - 1
  const channels = call.text('data_format', 'NHWC').startsWith('NC') ? Math.min(1, last) : last
  const bias = call.value(1)
  if (x.placeOf(channels) === last) return x.with(add(x.tensor, call.tensor(bias)))
  const shape = x.shape.map((extent, axis) => (axis === channels ? extent : 1)).slice(channels)
  return call.elementwise([x, call.reshaped(bias, shape)], x.type, add)
}

const conv = withFusedOperations((call, bias) => convolution(call, call.tensor(call.value(1)), bias))
const depthwise = withFusedOperations((call, bias) => depthwiseConvolution(call, call.tensor(call.value(1)), bias))

/** Under TensorFlow's names. */
export const convolutionOperators: Readonly<Record<string, OperatorFunction>> = {
  Conv2D: conv,
  FusedConv2D: conv,
  _FusedConv2D: conv,
  DepthwiseConv2d: depthwise,
  DepthwiseConv2dNative: depthwise,
  FusedDepthwiseConv2dNative: depthwise,
  _FusedDepthwiseConv2dNative: depthwise,
  Conv2DBackpropInput: (call) =>
    transposedConvolution(call, call.value(2), call.tensor(call.value(1)), call.hostIntegers(0) ?? []),
  BiasAdd: biased,
  FusedBatchNorm: batchNormalised,
  FusedBatchNormV2: batchNormalised,
  FusedBatchNormV3: batchNormalised,
}

/** What is known of the channels is put together here: a factor and a summand each. */
function batchNormalised(call: OperatorCall): DeviceValue {
  if (call.flag('is_training')) call.unsupported("the batch's own mean and variance (is_training)")
  const order = imageOrder(call)
  const x = imageOf(call, call.value(0), order)
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => call.host(i).data)
  const epsilon = call.number('epsilon', 0.0001)
  const factor = Float32Array.from(gamma, (scale, c) => scale / Math.sqrt(variance[c] + epsilon))
  const summand = Float32Array.from(beta, (shift, c) => shift - (mean[c] * gamma[c]) / Math.sqrt(variance[c] + epsilon))
  const named = (what: string, data: Float32Array) =>
    call.tensor(new HostValue(`${call.node.name}/${what}`, { type: 'float', shape: [data.length], data }))
  return new DeviceValue(add(mul(x, named('factor', factor)), named('summand', summand)), order)
}
