import { coordinateModes, type ResizeOptions, resize } from '../../ops/resize.ts'
import { formatShape } from '../../tensor.ts'
import type { OperatorCall } from '../operators/operator-call.ts'
import { DeviceValue, inOrder, type Value } from '../operators/value.ts'
import type { OperatorTable } from './operator-table.ts'

/** Images of another size. Two of their axes may change; which, their scales tell. */
export const resizeOperators: OperatorTable = {
  Resize: [
    { since: 11, run: (call) => resized(call, call.value(0), target(call), sampling(call)) },
    {
      since: 10,
      run: (call) => resized(call, call.value(0), { scales: scalesOf(call, call.hostIntegers(1)) }, simple(call)),
    },
  ],

  Upsample: [
    {
      since: 9,
      run: (call) => resized(call, call.value(0), { scales: scalesOf(call, call.hostIntegers(1)) }, simple(call)),
    },
    { since: 7, run: (call) => resized(call, call.value(0), { scales: call.numbers('scales') }, simple(call)) },
  ],
}

/** One number an axis: extents, or how many times as large. */
type Target = { readonly sizes: readonly number[] } | { readonly scales: readonly number[] }
type Sampling = Omit<ResizeOptions, 'size' | 'scales'>

function scalesOf(call: OperatorCall, scales: number[] | undefined): number[] {
  return scales ?? call.invalid('its scales are missing')
}

/** Before version 11 places were not said; they are computed as all programs did. */
function simple(call: OperatorCall): Sampling {
  const mode = call.choice('mode', ['nearest', 'linear', 'bilinear'], 'nearest')
  return { mode: mode === 'nearest' ? mode : 'bilinear', coordinates: 'asymmetric', rounding: 'floor' }
}

function sampling(call: OperatorCall): Sampling {
  const modes = { nearest: 'nearest', linear: 'bilinear', cubic: 'bicubic' } as const
  const mode = modes[call.choice('mode', ['nearest', 'linear', 'cubic'], 'nearest')]
  const names = ['half_pixel', 'half_pixel_symmetric', 'pytorch_half_pixel', 'align_corners', 'asymmetric'] as const
  const coordinates = names.indexOf(call.choice('coordinate_transformation_mode', names, 'half_pixel'))
  const rounding = {
    round_prefer_floor: 'roundPreferFloor',
    round_prefer_ceil: 'roundPreferCeil',
    floor: 'floor',
    ceil: 'ceil',
  } as const
  const named = call.choice(
    'nearest_mode',
    ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'],
    'round_prefer_floor',
  )
  return {
    mode,
    coordinates: coordinateModes[coordinates],
    rounding: rounding[named],
    cubicCoefficient: call.number('cubic_coeff_a', -0.75),
    excludeOutside: call.flag('exclude_outside'),
  }
}

/** Inputs are x, a region that only cropping needs, scales, sizes. */
function target(call: OperatorCall): Target {
  const { shape } = call.value(0)
  const axes = (call.optionalNumbers('axes') ?? inOrder(shape.length)).map((axis) =>
    axis < 0 ? axis + shape.length : axis,
  )
  const all = (given: readonly number[], otherwise: readonly number[]) => {
    if (given.length !== axes.length) call.invalid(`${given.length} sizes or scales are given for ${axes.length} axes`)
    return otherwise.map((value, axis) => (axes.includes(axis) ? given[axes.indexOf(axis)] : value))
  }
  const policy = call.text('keep_aspect_ratio_policy', 'stretch')
  if (policy !== 'stretch') call.unsupported(`keep_aspect_ratio_policy ${policy}`)
  const sizes = call.hostIntegers(3) ?? []
  if (sizes.length > 0) return { sizes: all(sizes, shape) }
  return {
    scales: all(
      scalesOf(call, call.hostIntegers(2)),
      shape.map(() => 1),
    ),
  }
}

function resized(call: OperatorCall, value: Value, target: Target, how: Sampling): Value {
  const { shape } = value
  const rank = shape.length
  const isSized = 'sizes' in target
  const given = isSized ? target.sizes : target.scales
  if (given.length !== rank) call.invalid(`${given.length} sizes or scales are given for ${formatShape(shape)}`)
  const changed = inOrder(rank).filter((axis) => given[axis] !== (isSized ? shape[axis] : 1))
  if (changed.length === 0) return value
  if (changed.length > 2 || rank > 4) call.unsupported(`along ${changed.length} axes of ${formatShape(shape)}`)
  if (call.flag('antialias') && changed.some((axis) => given[axis] < (isSized ? shape[axis] : 1)))
    call.unsupported('antialias where it makes images smaller')
  if (changed[0] === 0) call.noteMixing()
  // As images [N,H,W,C]: H and W are the axes that change, or one of them and the last before or after it.
  const full = [...new Array<number>(4 - rank).fill(1), ...shape]
  const image = call.reshaped(value, full)
  const [h, w] = pairOf(changed.map((axis) => axis + 4 - rank))
  const [n, c] = inOrder(4).filter((axis) => axis !== h && axis !== w)
  const order = [n, h, w, c]
  const numberOf = (axis: number) => (axis < 4 - rank ? 1 : given[axis - (4 - rank)])
  const sides = [numberOf(h), numberOf(w)] as const
  const y = resize(call.tensor(image, order), { ...how, ...(isSized ? { size: sides } : { scales: sides }) })
  const result = new DeviceValue(y, order, value.type)
  return result.reshaped(result.shape.slice(4 - rank))
}

/** Two axes: what lies in memory need not be turned round where these are rows and columns of [N,C,H,W]. */
function pairOf(changed: readonly number[]): readonly [number, number] {
  if (changed.length === 2) return [changed[0], changed[1]]
  const [axis] = changed
  return axis >= 2 ? [2, 3] : [axis, axis + 1]
}
