import { concat } from '../ops/concat.ts'
import { gather } from '../ops/gather.ts'
import { slice } from '../ops/slice-and-pad.ts'
import { Input, sizeOf, type Tensor } from '../tensor.ts'
import { type FactoredImages, pixelByPixel, tapsOf } from './factored-images.ts'
import type { Cut, FactoredOperation } from './factored-operations.ts'
import type { SegmentPatterns } from './segment-patterns.ts'
import { flopsOf, pixelsOf } from './sharing-work.ts'

/**
 * Factored operations as an ordinary graph on rows, whose inputs say which rows a window's places take (an indirect convolution:
 * gathered rows times a matrix, its sums in the order of the plain one).
 */
export interface RowsGraph {
  /** By position in the network, rows [capacity, …]: the first of them count, as many as the images have. */
  readonly rows: ReadonlyMap<number, Tensor>
  readonly inputs: Readonly<Record<string, Float32Array | Int32Array>>
  /** Of two graphs of one network with equal keys, the graphs are equal. */
  readonly key: string
  /** Multiplications and additions of the windows. */
  readonly flops: number
}

const stepsAnOctave = 4
/** How many rows there may be room for, for each that there is. */
export const mostForNothing = 2 ** (1 / stepsAnOctave)

/** Graphs are made for so many rows, so that a few of them serve all images: at most a fifth is computed for nothing. */
function capacityFor(rows: number): number {
  return Math.ceil(2 ** (Math.ceil(Math.log2(Math.max(rows, 64)) * stepsAnOctave) / stepsAnOctave))
}

/**
 * Bytes of rows that windows cover at once: where they are more, an operation is done in parts, which take one another's place, and so are
 * those behind it that make rows of rows as they are: between them there is never more than a part.
 */
const mostSeenBytes = 2 ** 23
/** Parts begin at multiples of so many rows: at multiples of 256 bytes then, as operands must. */
const rowsAPartBy = 64

/** Rows as they are made: parts that lie one behind the other, each [count, …]. */
class RowsInParts {
  private joined: Tensor | null = null

  constructor(readonly parts: readonly Tensor[]) {}

  /** [rows, …]; made only for those who ask for it: what is read part by part is never in memory as a whole. */
  get whole(): Tensor {
    this.joined ??= concat(this.parts, { axis: 0 })
    return this.joined
  }

  /** The part of a partition, which need not be these rows' own. */
  part(partition: Partition, at: number): Tensor {
    const isOwn =
      this.parts.length === partition.length && this.parts.every(({ shape }, i) => shape[0] === partition[i].count)
    if (isOwn) return this.parts[at]
    const { first, count } = partition[at]
    return slice(this.whole, { begin: [first], size: [count] })
  }
}

/** Rows first..first+count-1 of each part. */
type Partition = readonly { readonly first: number; readonly count: number }[]

function partitionOf(counts: readonly number[]): Partition {
  let next = 0
  return counts.map((count) => {
    const first = next
    next += count
    return { first, count }
  })
}

/** @param pixels the images' rows, [2 · H · W, channels] */
export function rowsGraph(
  { factored, frontier }: Cut,
  source: Tensor,
  blend: { readonly images: FactoredImages; readonly pixels: Float32Array },
  patterns: SegmentPatterns,
): RowsGraph {
  const inputs: Record<string, Float32Array | Int32Array> = {}
  const key: string[] = []
  const given: Given = (name, values, shape) => {
    inputs[name] = values
    return new Input(name, shape, values instanceof Int32Array ? 'i32' : 'f32')
  }
  // All pixels may differ or none: one capacity for all images.
  const capacity = 2 * blend.images.sets.length
  const capacityOf = (images: FactoredImages) => (images === blend.images ? capacity : capacityFor(images.rows))
  const pixels = given('pixels', blend.pixels, [capacity, source.shape[3]])
  const made = new Map<Tensor, RowsInParts>([[source, new RowsInParts([pixels])]])
  let flops = 0
  for (const operation of factored) {
    const { node, position, images, walk, seen } = operation
    const rows = capacityOf(images)
    const w = walk ?? pixelByPixel(images)
    const taps = seen.map((from) => (from && from !== images ? tapsOf(images, from, w, patterns, rows) : null))
    const before = node.inputs.map((input) => made.get(input) ?? input)
    made.set(node, rowsOf(operation, before, taps, rows, given))
    key.push([position, rows, ...taps.map((taken) => (taken ? 1 : 0))].join())
    if (walk) flops += (flopsOf(node) / pixelsOf(node)) * images.rows
  }
  const rows = new Map<number, Tensor>()
  for (const { position, tensor } of frontier) {
    const values = made.get(tensor)
    if (values) rows.set(position, values.whole)
    key.push(`${position}`)
  }
  return { rows, inputs, key: key.join(' '), flops }
}

type Given = (name: string, values: Float32Array | Int32Array, shape: readonly number[]) => Tensor

/**
 * The rows that an operation makes, [rows, …].
 * @param before its inputs: of images, all of their rows
 * @param taps the rows that are taken of each, [rows · area]; null where they are taken as they are, or are no rows
 */
function rowsOf(
  operation: FactoredOperation,
  before: readonly (RowsInParts | Tensor)[],
  taps: readonly (Int32Array | null)[],
  rows: number,
  given: Given,
): RowsInParts {
  const { position, outside } = operation
  const areas = taps.map((taken) => (taken ? taken.length / rows : 1))
  const at = taps.map((taken, i) => {
    if (!taken) return null
    const inside = outside === 'inside' ? withoutOutside(taken, areas[i]) : taken
    return given(`taps${position}.${i}`, inside, [inside.length])
  })
  let shares: Tensor | null = null
  const asTheyAre = before.flatMap((input, i) => (input instanceof RowsInParts && !at[i] ? [input] : []))
  const inParts = asTheyAre.find(({ parts }) => parts.length > 1)
  const seenBytes = before.map((input, i) =>
    input instanceof RowsInParts && at[i] ? areas[i] * bytesARow(input.parts[0]) : 0,
  )
  const partition = partitionOf(
    inParts ? inParts.parts.map(({ shape }) => shape[0]) : countsOfParts(rows, Math.max(...seenBytes)),
  )
  return new RowsInParts(
    partition.map(({ first, count }, which) =>
      operation.rowsOf({
        inputs: before.map((input, i) => {
          if (!(input instanceof RowsInParts)) return input
          const places = at[i]
          if (!places) return input.part(partition, which)
          return gather(input.whole, slice(places, { begin: [first * areas[i]], size: [count * areas[i]] }))
        }),
        rows: count,
        shares: () => {
          shares ??= given(`shares${position}`, sharesOf(taps[0], rows), [rows, 1])
          return slice(shares, { begin: [first], size: [count] })
        },
      }),
    ),
  )
}

function bytesARow({ shape }: Tensor): number {
  return 4 * sizeOf(shape.slice(1))
}

/** @param seenBytes what a row is made of, gathered */
function countsOfParts(rows: number, seenBytes: number): number[] {
  const most = Math.floor(mostSeenBytes / Math.max(seenBytes, 1) / rowsAPartBy) * rowsAPartBy
  const rowsAPart = Math.min(rows, Math.max(rowsAPartBy, most))
  return Array.from({ length: Math.ceil(rows / rowsAPart) }, (_, i) => Math.min(rowsAPart, rows - i * rowsAPart))
}

/** Padding never wins a maximum: a place outside counts as one inside. */
function withoutOutside(taps: Int32Array, area: number): Int32Array {
  return taps.map((row, at) => {
    if (row >= 0) return row
    const window = taps.subarray(at - (at % area), at - (at % area) + area)
    return window.find((other) => other >= 0) ?? 0
  })
}

/** One over the number of places inside, for each row. @param taps [rows · area]; null where each row takes one */
function sharesOf(taps: Int32Array | null, rows: number): Float32Array {
  if (!taps) return new Float32Array(rows).fill(1)
  const area = taps.length / rows
  return Float32Array.from({ length: rows }, (_, row) => {
    const inside = taps.subarray(row * area, (row + 1) * area).filter((tap) => tap >= 0)
    return 1 / inside.length
  })
}
