import type { FactoredImages } from './factored-images.ts'
import { emptySet, type SegmentPatterns } from './segment-patterns.ts'

/**
 * What a linear function of all pixels makes of factored images: a sum of small tables, one for each set of segments that no
 * other holds, [patterns, units]. A sample costs one row of each.
 */
export interface FoldedTables {
  readonly units: number
  readonly tables: readonly Table[]
}

export interface Table {
  readonly set: number
  /** [patterns, units] */
  readonly values: Float64Array
}

/** What a linear function adds for a pixel's channels: rows [C] times kernel [C, units], or one over `divisor` of them. */
export type Contraction =
  | { readonly kind: 'product' /** [pixels · C, units] */; readonly kernel: ArrayLike<number>; readonly units: number }
  | { readonly kind: 'sum'; readonly divisor: number; readonly units: number }

/** Sums in float64. @param rows [rows, channels] of the images */
export function foldTables(
  images: FactoredImages,
  rows: Float32Array | Float64Array,
  channels: number,
  contraction: Contraction,
  patterns: SegmentPatterns,
): FoldedTables {
  const { units } = contraction
  const bySet = new Map<number, Float64Array>()
  for (let pixel = 0; pixel < images.sets.length; pixel++) {
    const set = images.sets[pixel]
    const values = bySet.get(set) ?? new Float64Array(patterns.countOf(set) * units)
    bySet.set(set, values)
    const from = images.first[pixel] * channels
    if (contraction.kind === 'product')
      addProducts(values, rows, from, channels, contraction.kernel, pixel * channels * units, units)
    else for (let i = 0; i < values.length; i++) values[i] += rows[from + i] / contraction.divisor
  }
  // The largest first, so that a set finds those that may hold it.
  const bySize = [...bySet].sort(([a], [b]) => patterns.segmentsOf(b).length - patterns.segmentsOf(a).length)
  const tables: Table[] = []
  for (const [set, values] of bySize) {
    // The last is the smallest that holds it.
    const holder = tables.findLast((other) => patterns.includes(other.set, set))
    if (holder) addInto(holder, set, values, units, patterns)
    else tables.push({ set, values })
  }
  return { units, tables: tables.length > 0 ? tables : [{ set: emptySet, values: new Float64Array(units) }] }
}

/** Adds to each pattern's sums [patterns, units] what its row of a pixel makes: rows[from..] [patterns, C] times kernel[first..] [C, units]. */
function addProducts(
  sums: Float64Array,
  rows: Float32Array | Float64Array,
  from: number,
  channels: number,
  kernel: ArrayLike<number>,
  first: number,
  units: number,
): void {
  for (let to = 0, row = from; to < sums.length; to += units, row += channels)
    for (let c = 0, line = first; c < channels; c++, line += units) {
      const value = rows[row + c]
      // Half of what comes out of a relu.
      if (value === 0) continue
      for (let u = 0; u < units; u++) sums[to + u] += value * kernel[line + u]
    }
}

function addInto(holder: Table, set: number, values: Float64Array, units: number, patterns: SegmentPatterns): void {
  const seen = patterns.projection(holder.set, set)
  seen.forEach((pattern, own) => {
    for (let u = 0; u < units; u++) holder.values[own * units + u] += values[pattern * units + u]
  })
}

/** A table of two sets together may have so many rows for each sample: to add it up costs less than to look two up. */
const rowsASample = 0.25

/** Joins tables while their sets together have few patterns for so many samples. */
export function joinTables({ tables, units }: FoldedTables, patterns: SegmentPatterns, count: number): FoldedTables {
  const joined: Table[] = []
  for (const table of tables) {
    const index = joined.findIndex(({ set }) => {
      const both = new Set([...patterns.segmentsOf(set), ...patterns.segmentsOf(table.set)])
      return 2 ** both.size <= count * rowsASample
    })
    if (index < 0) {
      joined.push(table)
      continue
    }
    const set = patterns.union(joined[index].set, table.set)
    const both = { set, values: new Float64Array(patterns.countOf(set) * units) }
    for (const part of [joined[index], table]) addInto(both, part.set, part.values, units, patterns)
    joined[index] = both
  }
  return { units, tables: joined }
}

/** Every sample's sum, [count, units]. */
export function sumTables({ tables, units }: FoldedTables, patterns: SegmentPatterns, count: number): Float64Array {
  const sums = new Float64Array(count * units)
  for (const { set, values } of tables) {
    const shown = patterns.patternsOfSamples(set)
    for (let sample = 0, to = 0; sample < count; sample++) {
      const from = shown[sample] * units
      for (let u = 0; u < units; u++) sums[to++] += values[from + u]
    }
  }
  return sums
}
