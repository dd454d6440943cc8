import { concat } from '../../ops/concat.ts'
import { type Margin, pad } from '../../ops/pad.ts'
import { slice } from '../../ops/slice-and-pad.ts'
import { formatShape, type Tensor } from '../../tensor.ts'
import { checkExtents } from '../operators/host-tensor.ts'
import type { OperatorCall, OperatorFunction } from '../operators/operator-call.ts'
import { DeviceValue, type Value } from '../operators/value.ts'

/** Operators that take parts of tensors, and those that put something around them. */

/** What is taken along one axis. */
interface Part {
  readonly begin: number
  readonly size: number
  readonly step: number
}

const whole = (extent: number): Part => ({ begin: 0, size: extent, step: 1 })

/** One part for each axis of the value. */
function taken(call: OperatorCall, x: Value, parts: readonly Part[]): DeviceValue {
  const value = call.onDevice(x)
  const [first] = parts
  const isWhole = !first || (first.begin === 0 && first.size === value.shape[0] && first.step === 1)
  if (x instanceof DeviceValue && !isWhole) call.noteMixing()
  const { order } = value
  return value.with(
    slice(value.tensor, {
      begin: order.map((axis) => parts[axis].begin),
      size: order.map((axis) => parts[axis].size),
      steps: order.map((axis) => parts[axis].step),
    }),
  )
}

/** Whether a file that is made for one sample takes all of the batch: it says that it begins at 0 and takes one. */
function takesBatch(call: OperatorCall, x: Value, axis: number, { begin, size, step }: Part): boolean {
  const isBatch = axis === 0 && x instanceof DeviceValue && call.batch > 1 && x.shape[0] === call.batch
  return isBatch && begin === 0 && size === 1 && step === 1
}

function sliced(call: OperatorCall): DeviceValue {
  const x = call.value(0)
  const [begins, sizes] = [call.hostIntegers(1) ?? [], call.hostIntegers(2) ?? []]
  if (begins.length !== x.shape.length || sizes.length !== x.shape.length)
    call.invalid(`it begins at ${formatShape(begins)} and takes ${formatShape(sizes)} of ${formatShape(x.shape)}`)
  const parts = x.shape.map((extent, axis) => {
    const [begin, asked] = [begins[axis], sizes[axis]]
    const part = { begin, size: asked === -1 ? extent - begin : asked, step: 1 }
    if (!(begin >= 0 && part.size >= 0 && begin + part.size <= extent))
      call.invalid(`it takes ${asked} from ${begin} on of axis ${axis} of ${formatShape(x.shape)}`)
    return takesBatch(call, x, axis, part) ? whole(extent) : part
  })
  return taken(call, x, parts)
}

/** NumPy's begin:end:step by lists and by masks of bits, one an entry of the lists. */
function strideSliced(call: OperatorCall): Value {
  const x = call.value(0)
  if (call.flag('offset')) call.unsupported('ends that are counted from where it begins')
  const lists = [1, 2, 3].map((i) => call.hostIntegers(i) ?? [])
  const [begins, ends, steps] = lists
  const entries = begins.length
  if (lists.some(({ length }) => length !== entries) || entries > 32)
    call.invalid(`its lists have ${lists.map(({ length }) => length).join(', ')} entries`)
  const bit = (mask: string, i: number) => ((call.number(mask, 0) >> i) & 1) === 1
  const isNew = (i: number) => bit('new_axis_mask', i) && !bit('ellipsis_mask', i)
  const counted = begins.filter((_, i) => !isNew(i) && !bit('ellipsis_mask', i)).length
  const parts: Part[] = []
  const shape: number[] = []
  const rest = (count: number) => {
    for (const extent of x.shape.slice(parts.length, parts.length + count)) {
      parts.push(whole(extent))
      shape.push(extent)
    }
  }
  for (let i = 0; i < entries; i++) {
    if (bit('ellipsis_mask', i)) rest(Math.max(0, x.shape.length - counted))
    else if (isNew(i)) {
      if (parts.length === 0 && x instanceof DeviceValue) call.noteMixing()
      shape.push(1)
    } else {
      const axis = parts.length
      const extent = x.shape[axis]
      if (extent === undefined) call.invalid(`it takes parts of more axes than ${formatShape(x.shape)} has`)
      const open = [bit('begin_mask', i), bit('end_mask', i)] as const
      const isOne = bit('shrink_axis_mask', i)
      const part = isOne ? oneOf(call, extent, begins[i]) : partOf(call, extent, [begins[i], ends[i], steps[i]], open)
      const all = takesBatch(call, x, axis, part) && !isOne ? whole(extent) : part
      parts.push(all)
      if (!isOne) shape.push(all.size)
    }
  }
  rest(x.shape.length - parts.length)
  return taken(call, x, parts).reshaped(shape)
}

function oneOf(call: OperatorCall, extent: number, index: number): Part {
  const begin = index < 0 ? index + extent : index
  if (!(begin >= 0 && begin < extent)) call.invalid(`it takes entry ${index} of ${extent}`)
  return { begin, size: 1, step: 1 }
}

function partOf(
  call: OperatorCall,
  extent: number,
  [first, end, step]: readonly [number, number, number],
  [fromStart, toEnd]: readonly [boolean, boolean],
): Part {
  if (!Number.isSafeInteger(step) || step === 0) call.invalid(`its step is ${step}`)
  const [lowest, highest] = step > 0 ? [0, extent] : [-1, extent - 1]
  const inside = (index: number) => Math.min(Math.max(index < 0 ? index + extent : index, lowest), highest)
  const begin = fromStart ? (step > 0 ? 0 : extent - 1) : inside(first)
  const stop = toEnd ? (step > 0 ? extent : -1) : inside(end)
  const size = Math.max(0, Math.ceil((stop - begin) / step))
  return size === 0 ? { begin: 0, size, step: 1 } : { begin, size, step }
}

/** @param sizes of the parts, as many as the node has outputs, or more */
function cut(call: OperatorCall, x: Value, at: number, sizes: readonly number[]): DeviceValue[] {
  const axis = call.axis(x, at)
  const extent = x.shape[axis]
  let begin = 0
  return sizes.map((size) => {
    if (!(size >= 0 && begin + size <= extent)) call.invalid(`its parts are more than the ${extent} of axis ${axis}`)
    const parts = x.shape.map((all, i) => (i === axis ? { begin, size, step: 1 } : whole(all)))
    begin += size
    return taken(call, x, parts)
  })
}

/** As many equal parts as the node says; those that nobody needs are not made. */
function evenSizes(call: OperatorCall, x: Value, at: number, count: number): number[] {
  const size = x.shape[call.axis(x, at)] / count
  if (!Number.isInteger(size)) call.invalid(`${formatShape(x.shape)} can't be cut into ${count} equal parts`)
  return call.node.outputs.map(() => size)
}

function splitEvenly(call: OperatorCall): DeviceValue[] {
  const [axis, x] = [call.hostNumber(0) ?? 0, call.value(1)]
  return cut(call, x, axis, evenSizes(call, x, axis, call.number('num_split')))
}

function splitBySizes(call: OperatorCall): DeviceValue[] {
  const [x, axis] = [call.value(0), call.hostNumber(2) ?? 0]
  const sizes = call.hostIntegers(1) ?? []
  const left = x.shape[call.axis(x, axis)] - sizes.reduce((sum, size) => sum + Math.max(0, size), 0)
  return cut(
    call,
    x,
    axis,
    sizes.map((size) => (size === -1 ? left : size)),
  )
}

function unpacked(call: OperatorCall): DeviceValue[] {
  const x = call.value(0)
  const axis = call.axis(x, call.number('axis', 0))
  if (call.node.outputs.length > x.shape[axis]) call.invalid(`it takes more than the ${x.shape[axis]} of axis ${axis}`)
  const parts = cut(
    call,
    x,
    axis,
    call.node.outputs.map(() => 1),
  )
  return parts.map((part) => part.reshaped(x.shape.toSpliced(axis, 1)))
}

function reversed(call: OperatorCall): DeviceValue {
  const x = call.value(0)
  const axes = (call.hostIntegers(1) ?? []).map((axis) => call.axis(x, axis))
  return taken(
    call,
    x,
    x.shape.map((extent, axis) => (axes.includes(axis) && extent > 0 ? backwards(extent) : whole(extent))),
  )
}

const backwards = (count: number): Part => ({ begin: count - 1, size: count, step: -1 })

/** Before and after, for each axis in memory. */
function marginsOf(call: OperatorCall, x: Value, value: DeviceValue): Margin[] {
  const numbers = call.hostIntegers(1) ?? []
  if (numbers.length !== 2 * x.shape.length || !numbers.every((count) => Number.isSafeInteger(count) && count >= 0))
    call.invalid(`its margins are ${formatShape(numbers)}; its input is ${formatShape(x.shape)}`)
  if (x instanceof DeviceValue && (numbers[0] > 0 || numbers[1] > 0)) call.noteMixing()
  checkExtents(
    'its result',
    x.shape.map((extent, axis) => extent + numbers[2 * axis] + numbers[2 * axis + 1]),
  )
  return value.order.map((axis) => [numbers[2 * axis], numbers[2 * axis + 1]])
}

function padded(call: OperatorCall): DeviceValue {
  const x = call.value(0)
  const value = call.onDevice(x)
  return value.with(pad(value.tensor, marginsOf(call, x, value), { value: call.hostNumber(2) ?? 0 }))
}

function mirrorPadded(call: OperatorCall): DeviceValue {
  const x = call.value(0)
  const value = call.onDevice(x)
  const margins = marginsOf(call, x, value)
  if (call.choice('mode', ['REFLECT', 'SYMMETRIC']) === 'REFLECT')
    return value.with(pad(value.tensor, margins, { mode: 'reflect' }))
  return value.with(margins.reduce((y, margin, axis) => mirrored(call, y, axis, margin), value.tensor))
}

/** With what stands at the edge mirrored, too, which our own padding leaves out. */
function mirrored(call: OperatorCall, x: Tensor, axis: number, [before, after]: Margin): Tensor {
  const extent = x.shape[axis]
  if (Math.max(before, after) > extent) call.invalid(`it mirrors ${Math.max(before, after)} of ${extent}`)
  const turned = (begin: number, count: number) =>
    count === 0
      ? []
      : [
          slice(x, {
            begin: x.shape.map((_, i) => (i === axis ? begin : 0)),
            size: x.shape.with(axis, count),
            steps: x.shape.map((_, i) => (i === axis ? -1 : 1)),
          }),
        ]
  return concat([...turned(before - 1, before), x, ...turned(extent - 1, after)], { axis })
}

/** Under TensorFlow's names. */
export const sliceOperators: Readonly<Record<string, OperatorFunction>> = {
  MirrorPad: mirrorPadded,
  Pad: padded,
  PadV2: padded,
  ReverseV2: reversed,
  Slice: sliced,
  Split: splitEvenly,
  SplitV: splitBySizes,
  StridedSlice: strideSliced,
  Unpack: unpacked,
}
