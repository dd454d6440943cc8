import { isNumberArray, shown } from '../arguments.ts'
import { ArgumentError, ShapeError } from '../errors.ts'
import { formatShape, isShape, largestFloat32, type Shape, sizeOf } from '../tensor.ts'
import type { Port } from './network.ts'

/**
 * Numbers on the host with a shape; the first axis counts samples. Stored pixels stay bytes: `scale` (1/255 for images)
 * makes them numbers where they are used, so that a data set takes a quarter of the memory.
 */
export interface Samples {
  readonly data: Float32Array | Float64Array | Uint8Array
  /** [N, …] */
  readonly shape: Shape
  readonly scale?: number
}

/** As many samples for each input of a network, by its name. */
export type SamplesByInput = Readonly<Record<string, Samples>>

/** Class numbers, one a sample. */
export type Labels = ArrayLike<number>

/** What a network's outputs should be: numbers like samples, [N, …outputShape]. One-hot classes, probabilities, or any numbers. */
export type Targets = Samples

/** Class numbers are a list; targets have a shape. */
export function isTargets(labels: Labels | Targets): labels is Targets {
  return typeof labels === 'object' && labels !== null && 'shape' in labels && 'data' in labels
}

/**
 * @throws ShapeError when the samples are not as many as the shape says, or not of the shape a model takes
 * @throws ArgumentError when they hold NaN or what is infinite in 32 bits: what becomes of it differs from device to device
 * (a relu of WebGPU may make it zero), and a single one spoils a training
 */
export function checkSamples(name: string, samples: Samples, sampleShape: Shape): void {
  const { data, shape } = samples ?? {}
  if (!(data instanceof Float32Array || data instanceof Float64Array || data instanceof Uint8Array) || !isShape(shape))
    throw new ShapeError(
      `${name}: expected samples { data, shape: [N,${sampleShape.join(',')}] }, their data a Float32Array, Float64Array or Uint8Array, not ${shown(data === undefined ? samples : data)} of shape ${shown(shape)}`,
    )
  if (data.length !== sizeOf(shape))
    throw new ShapeError(`${name}: ${data.length} numbers given for shape ${formatShape(shape)}`)
  if (shape[0] === 0) throw new ShapeError(`${name}: there are no samples: shape ${formatShape(shape)}`)
  if (shape.length !== sampleShape.length + 1 || sampleShape.some((extent, axis) => shape[axis + 1] !== extent))
    throw new ShapeError(`${name}: shape ${formatShape(shape)} given, the model takes [N,${sampleShape.join(',')}]`)
  checkNumbers(name, samples)
}

/**
 * Samples for each input: what is given for the only one, or by name.
 * @throws ShapeError, ArgumentError where they do not fit, one is missing or unknown, or they are not as many for each
 */
export function samplesByInput(
  caller: string,
  samples: Samples | SamplesByInput,
  inputs: readonly Port[],
): SamplesByInput {
  const names = inputs.map(({ name }) => name)
  if (!isByInput(samples, names)) {
    if (inputs.length > 1)
      throw new ArgumentError(
        `${caller}: expected samples for each input, { ${names.join(', ')} }, not ${shown(samples)}`,
      )
    checkSamples(caller, samples, inputs[0].shape)
    return { [inputs[0].name]: samples }
  }
  for (const name of Object.keys(samples))
    if (!names.includes(name))
      throw new ArgumentError(`${caller}: the model has no input ${shown(name)}; it has ${names.join(', ')}`)
  for (const { name, shape } of inputs) checkSamples(`${caller}: ${name}`, samples[name], shape)
  const counts = inputs.map(({ name }) => samples[name].shape[0])
  if (counts.some((count) => count !== counts[0]))
    throw new ShapeError(
      `${caller}: ${counts.join(', ')} samples given for ${names.join(', ')}; expected as many for each`,
    )
  return samples
}

function isByInput(samples: Samples | SamplesByInput, names: readonly string[]): samples is SamplesByInput {
  if (typeof samples !== 'object' || samples === null) return false
  // An input may be named data, too.
  return !ArrayBuffer.isView(samples.data) && names.some((name) => Object.hasOwn(samples, name))
}

/** Of samples that samplesByInput() takes, those of each input, in their order. */
export function samplesInOrder(samples: Samples | SamplesByInput, inputs: readonly Port[]): readonly Samples[] {
  const names = inputs.map(({ name }) => name)
  return isByInput(samples, names) ? names.map((name) => samples[name]) : [samples]
}

/** How many samples there are for each input. */
export function countOf(samples: SamplesByInput): number {
  const [first] = Object.values(samples)
  return first.shape[0]
}

function checkNumbers(name: string, { data, shape, scale = 1 }: Samples): void {
  if (!Number.isFinite(scale))
    throw new ArgumentError(`${name}: the scale is ${shown(scale)}; expected a finite number`)
  const largest = largestFloat32 / Math.abs(scale)
  if (data instanceof Uint8Array && largest >= 255) return
  const wrong = firstBeyond(data, largest)
  if (wrong === undefined) return
  const sample = Math.floor((wrong * shape[0]) / data.length)
  throw new ArgumentError(`${name}: sample ${sample} holds ${data[wrong]}; expected finite numbers, of 32 bits at most`)
}

/** Where the first number is that is larger, either way, or none at all. */
function firstBeyond(data: Samples['data'], largest: number): number | undefined {
  // Not so for NaN, either.
  for (let i = 0; i < data.length; i++) if (!(Math.abs(data[i]) <= largest)) return i
  return undefined
}

/** @throws ShapeError, ArgumentError when labels are missing or outside 0..classes-1 */
export function checkLabels(name: string, labels: Labels, count: number, classes: number): void {
  if (!Array.isArray(labels) && !isNumberArray(labels))
    throw new ArgumentError(`${name}: labels must be a list of class numbers, not ${shown(labels)}`)
  if (labels.length !== count) throw new ShapeError(`${name}: ${labels.length} labels given for ${count} samples`)
  for (let i = 0; i < count; i++)
    if (!Number.isInteger(labels[i]) || labels[i] < 0 || labels[i] >= classes)
      throw new ArgumentError(`${name}: label ${shown(labels[i])} of sample ${i} is not one of 0..${classes - 1}`)
}

/**
 * Gives samples [first, first + count) as numbers; zeros where there are no more. Always in the same array, for as long as
 * `count` stays the same: the system takes longer to provide a new one than the copying does.
 */
export function sampleReader({ data, shape, scale = 1 }: Samples): (first: number, count: number) => Float32Array {
  const length = sizeOf(shape.slice(1))
  let taken = new Float32Array(0)
  return (first, count) => {
    if (taken.length !== count * length) taken = new Float32Array(count * length)
    const part = data.subarray(first * length, (first + count) * length)
    if (scale === 1) taken.set(part)
    else multiplyInto(taken, part, scale)
    taken.fill(0, part.length)
    return taken
  }
}

/** A function of its own: where a loop writes to a variable of a function around it, V8 takes five times as long. */
function multiplyInto(to: Float32Array, from: Samples['data'], scale: number): void {
  for (let i = 0; i < from.length; i++) to[i] = from[i] * scale
}
