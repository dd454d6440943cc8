import { rowsAStep, type Steps } from '../steps.ts'

/**
 * Sums over samples whose rows are masks of zeros and ones, where there are so many segments that their number squared counts.
 * Eight samples at a time: what they add up to is looked up by the eight bits that say which of them hide a segment (a
 * feature, where only some are looked at).
 */

/** Samples whose bits share a byte. */
const byteBits = 8
/** Bytes of a feature that are looked up in one pass: 64 samples, whose tables stay in the processor's nearest cache. */
const bytesAtOnce = 8
const tableSize = 2 ** byteBits

/** Rows of bits. */
export interface Bits {
  /** [rows, stride]: bit b of byte g is number 8 g + b of a row. */
  readonly bytes: Uint8Array
  /** Bytes a row, a multiple of 8. */
  readonly stride: number
}

function emptyBits(rows: number, length: number): Bits {
  const stride = Math.max(1, Math.ceil(length / (byteBits * bytesAtOnce))) * bytesAtOnce
  return { bytes: new Uint8Array(rows * stride), stride }
}

/**
 * A row for each feature: which samples hide it.
 * @param data [rows, columns] of 0 (hidden) and 1
 */
export function* bitsOfFeatures(
  data: ArrayLike<number>,
  rows: number,
  columns: number,
  features: ArrayLike<number>,
): Steps<Bits> {
  const bits = emptyBits(features.length, rows)
  const { bytes, stride } = bits
  const step = rowsAStep(features.length)
  for (let row = 0; row < rows; row++) {
    if (row % step === 0) yield row / rows
    const [byte, bit] = [row >> 3, row & 7]
    for (let i = 0; i < features.length; i++) bytes[i * stride + byte] |= (1 - data[row * columns + features[i]]) << bit
  }
  return bits
}

/** A row for each sample: which of the features it hides. @param data [rows, columns] of 0 (hidden) and 1 */
export function* bitsOfSamples(
  data: ArrayLike<number>,
  rows: number,
  columns: number,
  features: ArrayLike<number>,
): Steps<Bits> {
  const bits = emptyBits(rows, features.length)
  const { bytes, stride } = bits
  const step = rowsAStep(features.length)
  for (let row = 0; row < rows; row++) {
    if (row % step === 0) yield row / rows
    for (let i = 0; i < features.length; i++)
      bytes[row * stride + (i >> 3)] |= (1 - data[row * columns + features[i]]) << (i & 7)
  }
  return bits
}

/** For each pair of features the weight of the samples that hide both, [n, n]. @param weights [rows] */
export function* weightsOfPairs({ bytes, stride }: Bits, weights: Float64Array): Steps<Float64Array> {
  const n = bytes.length / stride
  const pairs = new Float64Array(n * n)
  const tables = new Float64Array(bytesAtOnce * tableSize)
  const step = rowsAStep(bytesAtOnce * n)
  for (let first = 0; first < stride; first += bytesAtOnce) {
    for (let g = 0; g < bytesAtOnce; g++) fillTable(tables, g * tableSize, weights, (first + g) * byteBits)
    for (let i = 0; i < n; i++) {
      if (i % step === 0) yield (first + (bytesAtOnce * i) / n) / stride
      addPairs(pairs.subarray(i * n, i * n + i + 1), bytes, i * stride + first, first, stride, tables)
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) pairs[j * n + i] = pairs[i * n + j]
  return pairs
}

/** What each combination of eight samples weighs; samples beyond the last weigh nothing. */
function fillTable(tables: Float64Array, at: number, weights: Float64Array, firstRow: number): void {
  tables[at] = 0
  for (let bit = 0; bit < byteBits; bit++) {
    const weight = firstRow + bit < weights.length ? weights[firstRow + bit] : 0
    for (let k = 0; k < 1 << bit; k++) tables[at + (1 << bit) + k] = tables[at + k] + weight
  }
}

/** Adds to [i + 1] what 64 samples weigh that hide both feature i, whose bytes are at `own`, and feature j, at first + j stride. */
function addPairs(
  row: Float64Array,
  bytes: Uint8Array,
  own: number,
  first: number,
  stride: number,
  tables: Float64Array,
): void {
  const b0 = bytes[own]
  const b1 = bytes[own + 1]
  const b2 = bytes[own + 2]
  const b3 = bytes[own + 3]
  const b4 = bytes[own + 4]
  const b5 = bytes[own + 5]
  const b6 = bytes[own + 6]
  const b7 = bytes[own + 7]
  for (let j = 0, at = first; j < row.length; j++, at += stride)
    row[j] +=
      tables[b0 & bytes[at]] +
      tables[tableSize + (b1 & bytes[at + 1])] +
      tables[2 * tableSize + (b2 & bytes[at + 2])] +
      tables[3 * tableSize + (b3 & bytes[at + 3])] +
      tables[4 * tableSize + (b4 & bytes[at + 4])] +
      tables[5 * tableSize + (b5 & bytes[at + 5])] +
      tables[6 * tableSize + (b6 & bytes[at + 6])] +
      tables[7 * tableSize + (b7 & bytes[at + 7])]
}

/** For each pair of rows of bits how many are 1 in both, [rows, rows]. */
export function* sharedOnes({ bytes, stride }: Bits): Steps<Float64Array> {
  const words = new Int32Array(bytes.buffer)
  const length = stride / Int32Array.BYTES_PER_ELEMENT
  const rows = words.length / length
  const shared = new Float64Array(rows * rows)
  const step = rowsAStep(rows * length)
  for (let r = 0; r < rows; r++) {
    if (r % step === 0) yield (r / rows) ** 2
    for (let s = 0; s <= r; s++) {
      let count = 0
      for (let k = 0, a = r * length, b = s * length; k < length; k++, a++, b++) count += bitCount(words[a] & words[b])
      shared[r * rows + s] = count
      shared[s * rows + r] = count
    }
  }
  return shared
}

/** How many of 32 bits are 1. */
export function bitCount(value: number): number {
  let bits = value - ((value >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Rows of bits whose sums are held at a time, and columns of the matrix that are summed in one pass: they stay in the cache. */
const sumsAtOnce = 1024
const columnsAtOnce = 64

/**
 * For each row of bits the sum of a matrix's rows at its ones.
 * @param matrix [length, width], where rows have so many bits
 * @param visit gets the number of the first of some rows, and their sums, [rows, width], in an array that is used again
 */
export function* sumRowsAtOnes(
  { bytes, stride }: Bits,
  matrix: Float64Array,
  width: number,
  visit: (first: number, sums: Float64Array) => void,
): Steps<void> {
  const rows = bytes.length / stride
  const table = new Float64Array(tableSize * Math.min(width, columnsAtOnce))
  const sums = new Float64Array(Math.min(rows, sumsAtOnce) * width)
  const visits = rowsAStep(width)
  for (let first = 0; first < rows; first += sumsAtOnce) {
    const count = Math.min(sumsAtOnce, rows - first)
    sums.fill(0)
    for (let left = 0; left < width; left += columnsAtOnce) {
      const own = Math.min(columnsAtOnce, width - left)
      for (let byte = 0; byte * byteBits * width < matrix.length; byte++) {
        yield (first + (count * left) / width) / rows
        fillRows(table, own, matrix, width, byte * byteBits, left)
        addRows(sums, width, left, table, own, bytes, first * stride + byte, stride, count)
      }
    }
    for (let i = 0; i < count; i += visits) {
      yield (first + i) / rows
      visit(first + i, sums.subarray(i * width, Math.min(i + visits, count) * width))
    }
  }
}

/** For each combination of eight rows their sum, in some columns: [256, own]. Combination 0 stays 0. */
function fillRows(
  table: Float64Array,
  own: number,
  matrix: Float64Array,
  width: number,
  firstRow: number,
  left: number,
): void {
  for (let bit = 0; bit < byteBits && (firstRow + bit) * width < matrix.length; bit++) {
    const added = (firstRow + bit) * width + left
    for (let k = 0; k < 1 << bit; k++) {
      const from = k * own
      const to = ((1 << bit) + k) * own
      for (let c = 0; c < own; c++) table[to + c] = table[from + c] + matrix[added + c]
    }
  }
}

/** Adds to each row of sums the combination that its byte names; bytes are `stride` apart. */
function addRows(
  sums: Float64Array,
  width: number,
  left: number,
  table: Float64Array,
  own: number,
  bytes: Uint8Array,
  firstByte: number,
  stride: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const from = bytes[firstByte + i * stride] * own
    const to = i * width + left
    if (from > 0) for (let c = 0; c < own; c++) sums[to + c] += table[from + c]
  }
}
