import { expOfNegative } from '../exponential.ts'

/**
 * A classifier's logits for all mixtures of an image and its fudged copy: a sum of tables, each of which knows a few segments.
 * Networks whose last layers are a dense one and a softmax (or one sigmoid: two classes, whose logits are each other's negatives) have them where their receptive fields are small.
 */
export interface LogitTables {
  readonly classes: number
  readonly tables: readonly LogitTable[]
}

export interface LogitTable {
  /** Ascending. */
  readonly segments: readonly number[]
  /** [2^segments, classes]; bit j of a row's number is 1 where segments[j] is shown. */
  readonly values: Float64Array
}

/**
 * Visits the probabilities of all masks of `segments` segments in the order of their numbers (bit s: segment s is hidden). What
 * the masks that agree in their higher bits share is added up once: a table counts where its lowest segment is decided.
 * @param visit gets probabilities [classes], in an array that is used again
 * @returns yields the share that is done
 */
export function* visitEveryMask(
  { classes, tables }: LogitTables,
  segments: number,
  visit: (probabilities: Float64Array, mask: number) => void,
): Generator<number, void, void> {
  // The tables that are known once bit s is, and at [segments] those that are always.
  const decided = Array.from({ length: segments + 1 }, (_, s) =>
    tables.filter((table) => (table.segments.at(0) ?? segments) === s),
  )
  const sums = new Float64Array((segments + 1) * classes)
  const probabilities = new Float64Array(classes)
  const add = (level: number, mask: number) => {
    const to = level * classes
    for (const table of decided[level]) {
      const from = rowOf(table, mask) * classes
      for (let c = 0; c < classes; c++) sums[to + c] += table.values[from + c]
    }
  }
  add(segments, 0)
  const masks = 2 ** segments
  for (let mask = 0; mask < masks; mask++) {
    const highest = mask === 0 ? segments - 1 : 31 - Math.clz32(mask & -mask)
    for (let level = highest; level >= 0; level--) {
      sums.copyWithin(level * classes, (level + 1) * classes, (level + 2) * classes)
      add(level, mask)
    }
    softmaxInto(sums, probabilities)
    visit(probabilities, mask)
    if ((mask + 1) % masksAtOnce === 0) yield (mask + 1) / masks
  }
}

const masksAtOnce = 2 ** 14

/** The row of a table that a mask (of hidden segments) picks. */
export function rowOf({ segments }: LogitTable, mask: number): number {
  let row = 0
  for (let j = 0; j < segments.length; j++) row |= (((mask >> segments[j]) & 1) ^ 1) << j
  return row
}

/** The tables' logits with all segments shown, or none. */
export function extremeLogits({ classes, tables }: LogitTables, shown: boolean): Float64Array {
  const logits = new Float64Array(classes)
  for (const { values } of tables) {
    const from = shown ? values.length - classes : 0
    for (let c = 0; c < classes; c++) logits[c] += values[from + c]
  }
  return logits
}

/** Probabilities of logits [classes]. */
export function softmaxOf(logits: Float64Array): Float64Array {
  const probabilities = new Float64Array(logits.length)
  softmaxInto(logits, probabilities)
  return probabilities
}

/** Of the first of the logits. */
function softmaxInto(logits: Float64Array, probabilities: Float64Array): void {
  const classes = probabilities.length
  let largest = Number.NEGATIVE_INFINITY
  for (let c = 0; c < classes; c++) if (logits[c] > largest) largest = logits[c]
  let total = 0
  for (let c = 0; c < classes; c++) total += probabilities[c] = expOfNegative(logits[c] - largest)
  for (let c = 0; c < classes; c++) probabilities[c] /= total
  // Of two classes each has exactly what the other leaves: weights for one then are weights against the other.
  if (classes !== 2) return
  probabilities[0] = 1 - probabilities[1]
  probabilities[1] = 1 - probabilities[0]
}
