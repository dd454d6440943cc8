import { part, rowsAStep, type Steps } from '../steps.ts'
import { bitsOfFeatures, weightsOfPairs } from './mask-products.ts'

/**
 * What weighted least squares need of their samples: masks x of zeros (hidden) and ones, weights w, targets y. Sums are taken over
 * the samples that hide a segment, and of what a target differs from the image's own: where a narrow kernel gives nearly all the
 * weight to the image, nothing then cancels.
 */

/** Samples to fit: data [rows, columns] row-major of 0 and 1, and the rows' weights. */
export interface WeightedSamples {
  readonly data: ArrayLike<number>
  readonly rows: number
  readonly columns: number
  readonly weights: Float64Array
}

/** What every fit to the same samples shares, whatever its targets. */
export interface Moments {
  /** How many samples. */
  readonly rows: number
  readonly columns: number
  /** Σ w */
  readonly total: number
  /** Σ w over the samples that hide anything. */
  readonly apart: number
  /** Σ w over the samples that hide each column, [columns]. */
  readonly hidden: Float64Array
  /** The columns' weighted means m, [columns]. */
  readonly means: Float64Array
  /** Column i of Σ w (x - m)(x - m)ᵀ, [columns]: to read only. */
  column(i: number): Steps<Float64Array>
  /** Σ w (x - m)(x - m)ᵀ of these columns, [features, features]: the caller's to keep. */
  gram(features: ArrayLike<number>): Steps<Float64Array>
  /** Σ w ((x - m)·b)²: how much a linear model of these columns varies. */
  variation(features: ArrayLike<number>, coefficients: Float64Array): Steps<number>
}

/** What a fit needs of its targets. */
export interface TargetMoments {
  /** The targets' weighted mean. */
  readonly mean: number
  /** Σ w (x - m)(y - mean), [columns]. */
  readonly products: Float64Array
  /** Σ w (y - mean)², 0 where nothing varies. */
  readonly square: number
  /** w (y - mean) of each sample, [rows], where there are fewer than columns: elsewhere nobody asks for them. */
  readonly deviations: Float64Array | null
}

/** Sums over targets less the image's. */
export interface TargetSums {
  /** The image's target, which the others are compared with. */
  readonly image: number
  /** Σ w (y - image) */
  readonly total: number
  /** Σ w (y - image) over the samples that hide each column, [columns]. */
  readonly hidden: Float64Array
  /** Σ w (y - image)² */
  readonly square: number
}

/** Targets that differ from the image's by no more than this share of it do by rounding, which explains nothing. */
export const rounding = 8 * Number.EPSILON

export function centred(
  { image, total, hidden, square }: TargetSums,
  moments: Pick<Moments, 'total' | 'apart' | 'hidden'>,
): TargetMoments {
  const shift = total / moments.total
  const mean = image + shift
  if (square <= moments.apart * (rounding * image) ** 2)
    return { mean: image, products: new Float64Array(hidden.length), square: 0, deviations: null }
  const products = hidden.map((sum, i) => shift * moments.hidden[i] - sum)
  return { mean, products, square: Math.max(0, square - total * shift), deviations: null }
}

/** Rows for each mask there can be, from which on equal rows are added up first. */
const rowsAMask = 4

/** Masks, and which samples have each: rows.subarray(starts[m], starts[m + 1]) those with mask m. */
export interface RowsByMask {
  /** [masks, columns] */
  readonly data: ArrayLike<number>
  readonly masks: number
  readonly rows: Int32Array
  /** [masks + 1] */
  readonly starts: Int32Array
}

/** Samples whose rows are masks, and what they come to. */
export class SampleMoments implements Moments, WeightedSamples {
  readonly data: ArrayLike<number>
  readonly rows: number
  readonly columns: number
  readonly weights: Float64Array
  readonly total: number
  readonly apart: number
  readonly hidden: Float64Array
  readonly means: Float64Array
  /** Bit i of row r's number is data[r, i]; null where rows are rarely equal. */
  readonly maskNumbers: Int32Array | null
  /** The samples, or all masks with what the samples of each weigh together: they have the same moments. */
  private readonly summed: WeightedSamples
  private readonly columnsMade = new Map<number, Float64Array>()
  private readonly sumsMade = new WeakMap<Float64Array, TargetSums>()
  private whole: Float64Array | null = null

  static *of(samples: WeightedSamples): Steps<SampleMoments> {
    const { data, rows, columns, weights } = samples
    const maskNumbers = rows >= rowsAMask * 2 ** columns ? yield* numbersOf(samples) : null
    const summed = maskNumbers ? everyMask(maskNumbers, columns, weights) : samples
    const hidden = yield* sumHidden(summed, summed.weights)
    const step = rowsAStep(columns)
    let [total, apart] = [0, 0]
    for (let row = 0; row < rows; row++) {
      total += weights[row]
      if (hidesAny(data, row * columns, columns)) apart += weights[row]
      if (row % step === step - 1) yield
    }
    return new SampleMoments(samples, maskNumbers, summed, hidden, total, apart)
  }

  private constructor(
    { data, rows, columns, weights }: WeightedSamples,
    maskNumbers: Int32Array | null,
    summed: WeightedSamples,
    hidden: Float64Array,
    total: number,
    apart: number,
  ) {
    this.data = data
    this.rows = rows
    this.columns = columns
    this.weights = weights
    this.maskNumbers = maskNumbers
    this.summed = summed
    this.hidden = hidden
    this.total = total
    this.apart = apart
    this.means = hidden.map((sum) => 1 - sum / total)
  }

  /** Computed once. @param targets [rows], the image's first; not to be changed */
  *targetSums(targets: Float64Array): Steps<TargetSums> {
    const sums = this.sumsMade.get(targets) ?? (yield* this.summedTargets(targets))
    this.sumsMade.set(targets, sums)
    return sums
  }

  private *summedTargets(targets: Float64Array): Steps<TargetSums> {
    const { rows, columns, weights, maskNumbers, summed } = this
    const [image] = targets
    const weighted = new Float64Array(rows)
    let [total, square] = [0, 0]
    for (let row = 0; row < rows; row++) {
      const difference = targets[row] - image
      weighted[row] = weights[row] * difference
      total += weighted[row]
      square += weighted[row] * difference
    }
    const differences = maskNumbers ? addedUp(maskNumbers, columns, weighted) : weighted
    return { image, total, hidden: yield* sumHidden(summed, differences), square }
  }

  *column(i: number): Steps<Float64Array> {
    const made = this.columnsMade.get(i)
    if (made) return made
    const { columns, whole } = this
    const column = whole ? whole.slice(i * columns, (i + 1) * columns) : yield* this.centredColumn(i)
    this.columnsMade.set(i, column)
    return column
  }

  *gram(features: ArrayLike<number>): Steps<Float64Array> {
    const { columns } = this
    const n = features.length
    if (n === columns) this.whole ??= yield* this.centredGram(range(columns))
    const { whole } = this
    if (!whole) return yield* this.centredGram(features)
    const gram = new Float64Array(n * n)
    const step = rowsAStep(n)
    for (let i = 0; i < n; i++) {
      if (i % step === step - 1) yield 1
      for (let j = 0; j < n; j++) gram[i * n + j] = whole[features[i] * columns + features[j]]
    }
    return gram
  }

  *variation(features: ArrayLike<number>, coefficients: Float64Array): Steps<number> {
    const { columns, hidden, total, whole } = this
    const { data, rows, weights } = this.summed
    const step = rowsAStep(features.length)
    let variation = 0
    if (whole && features.length < this.rows) {
      for (let i = 0; i < features.length; i++) {
        if (i % step === step - 1) yield
        for (let j = 0; j < features.length; j++)
          variation += coefficients[i] * coefficients[j] * whole[features[i] * columns + features[j]]
      }
      return Math.max(0, variation)
    }
    let mean = 0
    for (let i = 0; i < features.length; i++) mean += (coefficients[i] * hidden[features[i]]) / total
    for (let row = 0, at = 0; row < rows; row++, at += columns) {
      if (row % step === step - 1) yield
      let value = -mean
      for (let i = 0; i < features.length; i++) value += (1 - data[at + features[i]]) * coefficients[i]
      variation += weights[row] * value * value
    }
    return variation
  }

  /** The samples in the order of their masks; where rows are rarely equal each counts as a mask of its own. */
  rowsByMask(): RowsByMask {
    const { data, rows, maskNumbers, summed } = this
    if (!maskNumbers) return { data, masks: rows, rows: counting(rows), starts: counting(rows + 1) }
    const starts = new Int32Array(summed.rows + 1)
    for (let row = 0; row < rows; row++) starts[maskNumbers[row] + 1]++
    for (let mask = 0; mask < summed.rows; mask++) starts[mask + 1] += starts[mask]
    const next = starts.slice()
    const sorted = new Int32Array(rows)
    for (let row = 0; row < rows; row++) sorted[next[maskNumbers[row]]++] = row
    return { data: summed.data, masks: summed.rows, rows: sorted, starts }
  }

  private *centredColumn(i: number): Steps<Float64Array> {
    const { columns, hidden, total } = this
    const { data, rows, weights } = this.summed
    const column = new Float64Array(columns)
    const step = rowsAStep(columns)
    for (let row = 0, at = 0; row < rows; row++, at += columns) {
      if (row % step === step - 1) yield
      if (data[at + i] !== 0) continue
      const weight = weights[row]
      for (let j = 0; j < columns; j++) column[j] += (1 - data[at + j]) * weight
    }
    return column.map((sum, j) => sum - (hidden[i] * hidden[j]) / total)
  }

  private *centredGram(features: ArrayLike<number>): Steps<Float64Array> {
    const { columns, hidden, total } = this
    const { data, rows, weights } = this.summed
    const bits = yield* part(bitsOfFeatures(data, rows, columns, features), 0, 0.1)
    const gram = yield* part(weightsOfPairs(bits, weights), 0.1, 0.9)
    const n = features.length
    const step = rowsAStep(n)
    for (let i = 0; i < n; i++) {
      if (i % step === 0) yield 0.9 + (0.1 * i) / n
      const share = hidden[features[i]] / total
      for (let j = 0; j < n; j++) gram[i * n + j] -= share * hidden[features[j]]
    }
    return gram
  }
}

function hidesAny(data: ArrayLike<number>, at: number, columns: number): boolean {
  for (let i = at; i < at + columns; i++) if (data[i] === 0) return true
  return false
}

function* numbersOf({ data, rows, columns }: WeightedSamples): Steps<Int32Array> {
  const numbers = new Int32Array(rows)
  const step = rowsAStep(columns)
  for (let row = 0, at = 0; row < rows; row++) {
    let number = 0
    for (let i = 0; i < columns; i++, at++) number |= data[at] << i
    numbers[row] = number
    if (row % step === step - 1) yield
  }
  return numbers
}

/** For each mask there is what the values of its rows add up to. @param values [rows] */
function addedUp(numbers: Int32Array, columns: number, values: Float64Array): Float64Array {
  const sums = new Float64Array(2 ** columns)
  for (let row = 0; row < numbers.length; row++) sums[numbers[row]] += values[row]
  return sums
}

/** For each column the sum of the values whose rows hide it. @param values [rows] */
function* sumHidden({ data, rows, columns }: WeightedSamples, values: Float64Array): Steps<Float64Array> {
  const sums = new Float64Array(columns)
  const step = rowsAStep(columns)
  for (let first = 0; first < rows; first += step) {
    addHidden(sums, data, values, first, Math.min(first + step, rows))
    yield
  }
  return sums
}

/** Columns that are summed in one pass over rows: their sums stay in registers. */
const columnsAtOnce = 4

/** Adds to the columns' sums the values of rows first..end that hide them. */
function addHidden(
  sums: Float64Array,
  data: ArrayLike<number>,
  values: Float64Array,
  first: number,
  end: number,
): void {
  const columns = sums.length
  let left = 0
  for (; left + columnsAtOnce <= columns; left += columnsAtOnce) {
    let s0 = sums[left]
    let s1 = sums[left + 1]
    let s2 = sums[left + 2]
    let s3 = sums[left + 3]
    for (let row = first, at = first * columns + left; row < end; row++, at += columns) {
      const value = values[row]
      s0 += (1 - data[at]) * value
      s1 += (1 - data[at + 1]) * value
      s2 += (1 - data[at + 2]) * value
      s3 += (1 - data[at + 3]) * value
    }
    sums[left] = s0
    sums[left + 1] = s1
    sums[left + 2] = s2
    sums[left + 3] = s3
  }
  for (; left < columns; left++)
    for (let row = first, at = first * columns + left; row < end; row++, at += columns)
      sums[left] += (1 - data[at]) * values[row]
}

/** All masks there are, each with what the rows of its number weigh. */
function everyMask(numbers: Int32Array, columns: number, values: Float64Array): WeightedSamples {
  const masks = 2 ** columns
  const weights = addedUp(numbers, columns, values)
  const data = new Uint8Array(masks * columns)
  for (let number = 0, at = 0; number < masks; number++)
    for (let i = 0; i < columns; i++, at++) data[at] = (number >> i) & 1
  return { data, rows: masks, columns, weights }
}

/** @param targets [rows], the image's first */
export function* targetMomentsOf(moments: SampleMoments, targets: Float64Array): Steps<TargetMoments> {
  const sums = yield* moments.targetSums(targets)
  const target = centred(sums, moments)
  if (target.square === 0 || moments.rows >= moments.columns) return target
  const [image] = targets
  const shift = sums.total / moments.total
  const deviations = targets.map((value, row) => moments.weights[row] * (value - image - shift))
  return { ...target, deviations }
}

function counting(n: number): Int32Array {
  const numbers = new Int32Array(n)
  for (let i = 0; i < n; i++) numbers[i] = i
  return numbers
}

/** 0, 1, … n - 1 */
export function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i)
}
