import { concat, split } from '../../ops/concat.ts'
import { pad } from '../../ops/pad.ts'
import { reshape } from '../../ops/reshape.ts'
import { slice } from '../../ops/slice-and-pad.ts'
import { broadcastTo, expand } from '../../ops/sum-and-broadcast.ts'
import { take } from '../../ops/take.ts'
import { where } from '../../ops/where.ts'
import { constant, formatShape, type Shape, sameShape, sizeOf, stridesOf, type Tensor } from '../../tensor.ts'
import type { OperatorCall } from '../operators/operator-call.ts'
import { DeviceValue, HostValue, inOrder, type Value } from '../operators/value.ts'
import type { OperatorTable } from './operator-table.ts'

/** Operators that move numbers, repeat them or leave some out. */
export const moveOperators: OperatorTable = {
  Transpose(call) {
    const value = call.value(0)
    const rank = value.shape.length
    const permutation = call.numbers('perm', inOrder(rank).reverse())
    if ([...permutation].sort((a, b) => a - b).some((axis, i) => axis !== i) || permutation.length !== rank)
      call.invalid(`its perm is ${formatShape(permutation)}; expected each of ${rank} axes once`)
    if (permutation[0] !== 0) call.noteMixing()
    return call.onDevice(value).transposed(permutation)
  },

  Concat(call) {
    const values = call.inputs.flatMap((value) => value ?? [])
    const axis = call.axis(values.find(isOnDevice) ?? call.value(0), call.number('axis'))
    const { tensors, order } = inOneOrder(call, values)
    const isSpread = call.batch !== call.fileBatch && axis !== 0 && values.some(isOnDevice)
    const parts = tensors.map((tensor, i) =>
      isSpread && !isOnDevice(values[i]) ? ofEachSample(call, tensor, order) : tensor,
    )
    return new DeviceValue(concat(parts, { axis: order.indexOf(axis) }), order, values[0].type)
  },

  Split: [
    { since: 13, run: (call) => parts(call, call.hostIntegers(1)) },
    { since: 6, run: (call) => parts(call, call.optionalNumbers('split')) },
  ],

  Slice: [
    {
      since: 10,
      run(call) {
        const [starts, ends] = [call.hostIntegers(1) ?? [], call.hostIntegers(2) ?? []]
        return sliced(call, starts, ends, call.hostIntegers(3), call.hostIntegers(4))
      },
    },
    {
      since: 6,
      run: (call) => sliced(call, call.numbers('starts'), call.numbers('ends'), call.optionalNumbers('axes')),
    },
  ],

  Gather(call) {
    const value = call.value(0)
    return picked(call, value, call.axis(value, call.number('axis', 0)), call.value(1))
  },

  /** Each number by an index of its own along one axis. */
  GatherElements(call) {
    const value = call.value(0)
    const { shape } = value
    const axis = call.axis(value, call.number('axis', 0))
    const indices = call.host(1)
    if (indices.shape.length !== shape.length) call.invalid('its indices have another number of axes than its data')
    const strides = stridesOf(shape)
    const own = stridesOf(indices.shape)
    const places = Float64Array.from(indices.data, (index, i) =>
      indices.shape.reduce((place, extent, along) => {
        const at = along === axis ? inside(call, index, shape[axis]) : Math.floor(i / own[along]) % extent
        return place + at * strides[along]
      }, 0),
    )
    return taken(call, value, places, indices.shape)
  },

  /** Blocks by indices along their first axes. */
  GatherND(call) {
    const value = call.value(0)
    const batchAxes = call.number('batch_dims', 0)
    if (batchAxes !== 0) call.unsupported(`batch_dims ${batchAxes}`)
    const indices = call.host(1)
    const depth = indices.shape.at(-1) ?? call.invalid('its indices have no axes')
    if (depth > value.shape.length) call.invalid('its indices name more axes than its data has')
    const block = value.shape.slice(depth)
    const starts = blockStarts(call, indices, value.shape)
    const size = sizeOf(block)
    const places = Float64Array.from(
      { length: starts.length * size },
      (_, i) => starts[Math.floor(i / size)] + (i % size),
    )
    return taken(call, value, places, [...indices.shape.slice(0, -1), ...block])
  },

  /** Where all is known: what becomes of the data with some blocks written anew. */
  ScatterND(call) {
    const reduction = call.text('reduction', 'none')
    if (reduction !== 'none') call.unsupported(`reduction ${reduction}`)
    const { type, shape, data } = call.host(0)
    const [indices, updates] = [call.host(1), call.host(2)]
    const block = shape.slice(indices.shape.at(-1) ?? 0)
    const expected = [...indices.shape.slice(0, -1), ...block]
    if (!sameShape(updates.shape, expected))
      call.invalid(`its updates are ${formatShape(updates.shape)}; expected ${formatShape(expected)}`)
    const size = sizeOf(block)
    const result = Float64Array.from(data)
    blockStarts(call, indices, shape).forEach((start, at) => {
      for (let i = 0; i < size; i++) result[start + i] = updates.data[at * size + i]
    })
    return new HostValue(call.node.outputs[0], { type, shape, data: result })
  },

  Expand(call) {
    const value = call.value(0)
    const asked = call.hostIntegers(1) ?? call.invalid('its shape is missing')
    const rank = Math.max(asked.length, value.shape.length)
    const { tensors, order } = inOneOrder(call, [withRank(call, value, rank)])
    const shape = withOnes(asked, rank)
    return new DeviceValue(
      expand(
        tensors[0],
        order.map((axis) => shape[axis]),
      ),
      order,
      value.type,
    )
  },

  Tile(call) {
    const value = call.value(0)
    const repeats = call.hostIntegers(1) ?? call.invalid('its repeats are missing')
    if (repeats.length !== value.shape.length || repeats.some((count) => count < 0))
      call.invalid(`its repeats are ${formatShape(repeats)} for ${formatShape(value.shape)}`)
    if (repeats[0] !== 1) call.noteMixing()
    const { tensors, order } = inOneOrder(call, [value])
    return new DeviceValue(
      tiled(
        tensors[0],
        order.map((axis) => repeats[axis]),
      ),
      order,
      value.type,
    )
  },

  Pad: [
    {
      since: 11,
      run: (call) => padded(call, call.hostIntegers(1) ?? [], call.hostNumber(2) ?? 0, call.hostIntegers(3)),
    },
    { since: 6, run: (call) => padded(call, call.numbers('pads'), call.number('value', 0)) },
  ],

  DepthToSpace(call) {
    const value = call.onDevice(call.value(0))
    const [n, c, h, w] = imageShape(call, value)
    const size = call.number('blocksize')
    const rest = c / size ** 2
    // Which of a channel's parts is which pixel: the block's place comes first (DCR), or the channel does (CRD).
    return call.choice('mode', ['DCR', 'CRD'], 'DCR') === 'DCR'
      ? rearranged(value, [n, size, size, rest, h, w], [0, 3, 4, 1, 5, 2], [n, rest, h * size, w * size])
      : rearranged(value, [n, rest, size, size, h, w], [0, 1, 4, 2, 5, 3], [n, rest, h * size, w * size])
  },

  SpaceToDepth(call) {
    const value = call.onDevice(call.value(0))
    const [n, c, h, w] = imageShape(call, value)
    const size = call.number('blocksize')
    const [rows, columns] = [h / size, w / size]
    return rearranged(value, [n, c, rows, size, columns, size], [0, 3, 5, 1, 2, 4], [n, c * size ** 2, rows, columns])
  },

  /** The upper or the lower triangle of matrices, with zeros for the rest. */
  Trilu(call) {
    const value = call.value(0)
    const [rows, columns] = value.shape.slice(-2)
    if (columns === undefined) call.invalid('its input is no matrix')
    // Which sample it is decides what stays of a row.
    if (value.shape.length === 2 && isOnDevice(value)) call.noteMixing()
    const diagonal = call.hostNumber(1) ?? 0
    const isUpper = call.flag('upper', true)
    const stays = Float32Array.from({ length: rows * columns }, (_, i) => {
      const away = (i % columns) - Math.floor(i / columns) - diagonal
      return Number(isUpper ? away >= 0 : away <= 0)
    })
    const tensor = where(constant(stays, [rows, columns]), call.tensor(value), 0)
    return new DeviceValue(tensor, undefined, value.type)
  },
}

function isOnDevice(value: Value): value is DeviceValue {
  return value instanceof DeviceValue
}

/** Values of as many axes each, in the order in memory that the first of the network's has. */
function inOneOrder(call: OperatorCall, values: readonly Value[]) {
  const order = values.find(isOnDevice)?.order ?? inOrder(values[0].shape.length)
  if (values.some(({ shape }) => shape.length !== order.length))
    call.invalid('its inputs have different numbers of axes')
  return { order, tensors: values.map((value) => call.tensor(value, order)) }
}

/** Numbers that the file has once, as many times as there are samples: a class token that is put before each one's patches. */
function ofEachSample(call: OperatorCall, tensor: Tensor, order: readonly number[]): Tensor {
  const at = order.indexOf(0)
  return tensor.shape[at] === 1 && call.fileBatch === 1
    ? broadcastTo(tensor, tensor.shape.with(at, call.batch))
    : tensor
}

function withOnes(shape: Shape, rank: number): Shape {
  return [...new Array<number>(rank - shape.length).fill(1), ...shape]
}

function withRank(call: OperatorCall, value: Value, rank: number): Value {
  if (value.shape.length === rank) return value
  call.noteMixing()
  return call.reshaped(value, withOnes(value.shape, rank))
}

/** As many parts as there are outputs; where an axis does not come out even, the last one has less. */
function parts(call: OperatorCall, sizes: readonly number[] | undefined): Value[] {
  const value = call.value(0)
  const axis = call.axis(value, call.number('axis', 0))
  const count = call.number('num_outputs', call.node.outputs.length)
  const extent = value.shape[axis]
  if (!(count >= 1 && count <= call.node.outputs.length)) call.invalid(`it has ${count} outputs`)
  const each = Math.ceil(extent / count)
  const all = sizes ?? Array.from({ length: count }, (_, i) => Math.max(0, Math.min(each, extent - i * each)))
  const { tensors, order } = inOneOrder(call, [value])
  return split(tensors[0], all, { axis: order.indexOf(axis) }).map((part) => new DeviceValue(part, order, value.type))
}

function sliced(
  call: OperatorCall,
  starts: readonly number[],
  ends: readonly number[],
  axes: readonly number[] = inOrder(starts.length),
  steps: readonly number[] = [],
): Value {
  const value = call.value(0)
  const { shape } = value
  if (ends.length !== starts.length || axes.length !== starts.length)
    call.invalid('its starts, ends and axes differ in number')
  const [begin, end, step] = [shape.map(() => 0), [...shape], shape.map(() => 1)]
  axes.forEach((given, i) => {
    // An axis that is taken whole is none that it works along.
    const isWhole =
      starts[i] === 0 && ends[i] >= shape[given < 0 ? given + shape.length : given] && (steps[i] ?? 1) === 1
    if (isWhole) return
    const axis = call.axis(value, given)
    begin[axis] = starts[i]
    end[axis] = ends[i]
    step[axis] = steps[i] ?? 1
  })
  const { tensors, order } = inOneOrder(call, [value])
  const inMemory = (list: readonly number[]) => order.map((axis) => list[axis])
  const part = slice(tensors[0], { begin: inMemory(begin), end: inMemory(end), steps: inMemory(step) })
  return new DeviceValue(part, order, value.type)
}

/** Entries along an axis: neighbours that are known are cut out, others are taken one by one. */
function picked(call: OperatorCall, value: Value, axis: number, indices: Value): Value {
  const { tensors, order } = inOneOrder(call, [value])
  const [tensor] = tensors
  const at = order.indexOf(axis)
  const rank = indices.shape.length
  // The axes of the indices come in the place of the axis; those behind it move.
  const newOrder = order.flatMap((own) => {
    if (own === axis) return inOrder(rank).map((i) => axis + i)
    return own > axis ? own + rank - 1 : own
  })
  const extents = tensor.shape.toSpliced(at, 1, ...indices.shape)
  if (!(indices instanceof HostValue)) {
    const index = call.tensor(indices)
    if (index.dtype !== 'i32') call.unsupported('its indices are computed of numbers that are no whole ones on devices')
    return new DeviceValue(take(tensor, index, { axis: at }), newOrder, value.type)
  }
  const places = Array.from(indices.tensor.data, (index) => inside(call, index, value.shape[axis]))
  const isRun = places.every((place, i) => place === places[0] + i)
  if (isRun && places.length > 0) {
    const begin = tensor.shape.map((_, i) => (i === at ? places[0] : 0))
    const part = slice(tensor, { begin, size: tensor.shape.with(at, places.length) })
    return new DeviceValue(reshape(part, extents), newOrder, value.type)
  }
  const index = constant(Int32Array.from(places), indices.shape, 'i32')
  return new DeviceValue(take(tensor, index, { axis: at }), newOrder, value.type)
}

/** An index counted from 0. */
function inside(call: OperatorCall, index: number, extent: number): number {
  const place = index < 0 ? index + extent : index
  if (!(place >= 0 && place < extent)) call.invalid(`an index is ${index}; its axis has ${extent} entries`)
  return place
}

/** Numbers at places in all of them, one behind the other. */
function taken(call: OperatorCall, value: Value, places: Float64Array, shape: Shape): Value {
  call.noteMixing()
  const all = reshape(call.tensor(value), [sizeOf(value.shape)])
  return new DeviceValue(take(all, constant(Int32Array.from(places), shape, 'i32')), undefined, value.type)
}

/** Where the blocks begin that lists of indices name, in all numbers one behind the other. */
function blockStarts(call: OperatorCall, indices: HostValue['tensor'], shape: Shape): number[] {
  const depth = indices.shape.at(-1) ?? 0
  const strides = stridesOf(shape)
  return Array.from({ length: indices.data.length / depth }, (_, block) =>
    inOrder(depth).reduce(
      (start, axis) => start + inside(call, indices.data[block * depth + axis], shape[axis]) * strides[axis],
      0,
    ),
  )
}

/** All of it again and again along each axis: one stretch along axes of their own. */
function tiled(x: Tensor, repeats: readonly number[]): Tensor {
  const apart = x.shape.flatMap((extent) => [1, extent])
  const stretched = x.shape.flatMap((extent, axis) => [repeats[axis], extent])
  return reshape(
    broadcastTo(reshape(x, apart), stretched),
    x.shape.map((extent, axis) => extent * repeats[axis]),
  )
}

function padded(call: OperatorCall, pads: readonly number[], fill: number, given?: readonly number[]): Value {
  const value = call.value(0)
  const rank = value.shape.length
  const axes = given?.map((axis) => (axis < 0 ? axis + rank : axis)) ?? inOrder(rank)
  if (pads.length !== 2 * axes.length) call.invalid(`it has ${pads.length} pads for ${axes.length} axes`)
  const margins = inOrder(rank).map((axis): [number, number] => {
    const at = axes.indexOf(axis)
    return at < 0 ? [0, 0] : [pads[at], pads[at + axes.length]]
  })
  if (margins[0]?.some((margin) => margin !== 0)) call.noteMixing()
  const mode = call.choice('mode', ['constant', 'reflect', 'edge'], 'constant')
  const { tensors, order } = inOneOrder(call, [value])
  const inMemory = order.map((axis) => margins[axis])
  return new DeviceValue(pad(tensors[0], inMemory, { mode, value: fill }), order, value.type)
}

function imageShape(call: OperatorCall, { shape }: Value): Shape {
  return shape.length === 4 ? shape : call.invalid(`its input is ${formatShape(shape)}; expected [N,C,H,W]`)
}

/** Axes that are split, moved, and joined. */
function rearranged(value: DeviceValue, apart: Shape, permutation: readonly number[], joined: Shape): DeviceValue {
  return value.reshaped(apart).transposed(permutation).reshaped(joined)
}
