import { abs, add, div, maximum, mul, reciprocal, sqrt, square, sub } from '../../ops/elementwise.ts'
import { batchNorm, groupNorm, instanceNorm, layerNorm, localResponseNorm } from '../../ops/normalization.ts'
import { argMax, l2, mean } from '../../ops/reduce.ts'
import { reshape } from '../../ops/reshape.ts'
import { logSoftmax, softmax } from '../../ops/softmax.ts'
import { broadcastTo, sum } from '../../ops/sum-and-broadcast.ts'
import { take } from '../../ops/take.ts'
import { constant, formatShape, sizeOf, type Tensor } from '../../tensor.ts'
import type { OperatorCall } from '../operators/operator-call.ts'
import { DeviceValue, inOrder, type Value } from '../operators/value.ts'
import type { OperatorTable } from './operator-table.ts'
import { wants } from './shapes.ts'

/** Normalisations, and what makes probabilities. Channels are the second axis, and lie last in memory. */
export const normalizationOperators: OperatorTable = {
  BatchNormalization(call) {
    if (call.flag('training_mode')) call.unsupported('training_mode is on')
    if (!call.flag('spatial', true)) call.unsupported('spatial is off: each pixel has statistics of its own')
    if ([1, 2, 3, 4].some((output) => wants(call, output)))
      call.unsupported('its statistics are outputs, as in training')
    const [gamma, beta] = [1, 2].map((input) => call.tensor(call.value(input)))
    const [average, variance] = [3, 4].map((input) => call.statistic(call.value(input)))
    const epsilon = call.number('epsilon', 1e-5)
    return ofChannels(call, (x) => batchNorm(x, { gamma, beta, mean: average, variance, epsilon }))
  },

  InstanceNormalization(call) {
    const [gamma, beta] = [1, 2].map((input) => call.tensor(call.value(input)))
    return ofChannels(call, (x) => instanceNorm(x, { gamma, beta, epsilon: call.number('epsilon', 1e-5) }))
  },

  GroupNormalization: [
    { since: 21, run: (call) => groupNormalised(call, (scale) => scale) },
    {
      since: 7,
      // A number for each group: as many times as it has channels.
      run: (call) =>
        groupNormalised(call, (scale, channels) => {
          const groups = scale.shape[0]
          return reshape(broadcastTo(reshape(scale, [groups, 1]), [groups, channels / groups]), [channels])
        }),
    },
  ],

  /** Over all axes from one on. Its mean and one by its deviation are outputs for training. */
  LayerNormalization(call) {
    const value = call.value(0)
    const { shape } = value
    const axis = call.axis(value, call.number('axis', -1))
    const epsilon = call.number('epsilon', 1e-5)
    const x = call.tensor(value)
    const flat = reshape(x, [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))])
    const y = reshape(layerNorm(flat, { epsilon }), shape)
    const stretched = mul(y, call.tensor(call.value(1)))
    const made = new DeviceValue(call.has(2) ? add(stretched, call.tensor(call.value(2))) : stretched)
    if (!wants(call, 1) && !wants(call, 2)) return made
    const options = { axes: inOrder(shape.length).slice(axis), keepDims: true }
    const average = mean(x, options)
    const deviation = sqrt(add(mean(square(sub(x, average)), options), epsilon))
    return [made, new DeviceValue(average), new DeviceValue(reciprocal(deviation))]
  },

  RMSNormalization(call) {
    const value = call.value(0)
    const axis = call.axis(value, call.number('axis', -1))
    const x = call.tensor(value)
    const axes = inOrder(value.shape.length).slice(axis)
    const power = add(mean(square(x), { axes, keepDims: true }), call.number('epsilon', 1e-5))
    return new DeviceValue(mul(div(x, sqrt(power)), call.tensor(call.value(1))))
  },

  LRN(call) {
    const options = {
      size: call.number('size'),
      alpha: call.number('alpha', 0.0001),
      beta: call.number('beta', 0.75),
      bias: call.number('bias', 1),
    }
    return ofChannels(call, (x) => localResponseNorm(x, options))
  },

  /** Its definition in the standard adds 1e-9 to the deviation. */
  MeanVarianceNormalization(call) {
    const value = call.onDevice(call.value(0))
    const axes = call.numbers('axes', [0, 2, 3]).map((axis) => value.placeOf(call.axis(value, axis)))
    const centred = sub(value.tensor, mean(value.tensor, { axes, keepDims: true }))
    const deviation = sqrt(mean(square(centred), { axes, keepDims: true }))
    return value.with(div(centred, add(deviation, 1e-9)))
  },

  /** By the length of all along an axis. What is nothing but zeros stays so. */
  LpNormalization(call) {
    const value = call.onDevice(call.value(0))
    const options = { axes: value.placeOf(call.axis(value, call.number('axis', -1))), keepDims: true }
    const p = call.number('p', 2)
    if (p !== 1 && p !== 2) call.invalid(`its p is ${p}; expected 1 or 2`)
    const length = p === 2 ? l2(value.tensor, options) : sum(abs(value.tensor), options)
    return value.with(div(value.tensor, maximum(length, leastNormal)))
  },

  Softmax: versions((x, axis) => softmax(x, { axis })),
  LogSoftmax: versions((x, axis) => logSoftmax(x, { axis })),
  Hardmax: versions(hardmax),
}

const leastNormal = 2 ** -126

/** An operation on [N,…,C] as one on [N,C,…]. */
function ofChannels(call: OperatorCall, compute: (x: Tensor) => Tensor): DeviceValue {
  const value = call.value(0)
  const rank = value.shape.length
  if (rank < 2) call.invalid(`its input is ${formatShape(value.shape)}; expected [N,C,…]`)
  const order = [0, ...inOrder(rank).slice(2), 1]
  return new DeviceValue(compute(call.tensor(value, order)), order)
}

function groupNormalised(call: OperatorCall, ofChannel: (scale: Tensor, channels: number) => Tensor): DeviceValue {
  const channels = call.value(0).shape[1]
  const [gamma, beta] = [1, 2].map((input) => ofChannel(call.tensor(call.value(input)), channels))
  const epsilon = call.number('epsilon', 1e-5)
  return ofChannels(call, (x) => groupNorm(x, call.number('num_groups'), { gamma, beta, epsilon }))
}

/** Before opset 13 all axes from one on were taken as one; since then it is one axis. */
function versions(along: (x: Tensor, axis: number) => Tensor) {
  return [
    {
      since: 13,
      run(call: OperatorCall): Value {
        const value = call.onDevice(call.value(0))
        return value.with(along(value.tensor, value.placeOf(call.axis(value, call.number('axis', -1)))))
      },
    },
    {
      since: 6,
      run(call: OperatorCall): Value {
        const value = call.onDevice(call.value(0))
        const { shape } = value
        const axis = call.axis(value, call.number('axis', 1))
        // One axis where those behind it have one entry each: then nothing need be turned round.
        if (sizeOf(shape.slice(axis + 1)) === 1) return value.with(along(value.tensor, value.placeOf(axis)))
        const rows = reshape(value.asSpoken(), [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))])
        return new DeviceValue(reshape(along(rows, 1), shape))
      },
    },
  ]
}

/** 1 for the first of the largest along an axis, 0 for the others. */
function hardmax(x: Tensor, axis: number): Tensor {
  const extent = x.shape[axis]
  const identity = Float32Array.from({ length: extent ** 2 }, (_, i) => Number(i % (extent + 1) === 0))
  const last = x.shape.length - 1
  const order = inOrder(last + 1)
  // The picked rows come last: the axis is put back to its place.
  const rows = take(constant(identity, [extent, extent]), argMax(x, { axis }))
  const back = order.toSpliced(axis, 1, last).map((from, to) => (to > axis ? from - 1 : from))
  return new DeviceValue(rows).transposed(back).asSpoken()
}
