import type { RandomState } from '../random/random-state.ts'
import type { LogitTables } from '../samples/logit-tables.ts'
import { checkRoomForMasks, type Masks } from '../samples/sampling.ts'
import { known, part, rowsAStep, type Steps } from '../steps.ts'
import { factorPositive } from './cholesky.ts'
import { choose } from './every-mask.ts'
import { bitsOfFeatures, weightsOfPairs } from './mask-products.ts'
import { range } from './moments.ts'

/**
 * Shapley values of segments: what each adds, on average over all orders in which they could be switched on (Shapley 1953;
 * Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions", NeurIPS 2017). They add up to the difference
 * between all segments shown and none.
 */

/**
 * Exact, in closed form: Shapley values of a sum are the sum of the Shapley values, and a segment adds nothing to a table that
 * does not know it. 2^k differences a table, whatever the number of segments.
 * @returns [segments, classes] of the logits
 */
export function shapleyOfTables({ classes, tables }: LogitTables, segments: number): Float64Array {
  const values = new Float64Array(segments * classes)
  for (const table of tables) {
    const known = table.segments.length
    // Of a set of so many others in an order drawn at random, before a segment comes.
    const share = Float64Array.from({ length: known }, (_, others) => 1 / (known * choose(known - 1, others)))
    table.segments.forEach((segment, j) => {
      const bit = 1 << j
      for (let row = 0; row < 2 ** known; row++) {
        if (row & bit) continue
        const weight = share[bitsIn(row)]
        const [without, within] = [row * classes, (row | bit) * classes]
        for (let c = 0; c < classes; c++)
          values[segment * classes + c] += weight * (table.values[within + c] - table.values[without + c])
      }
    })
  }
  return values
}

function bitsIn(row: number): number {
  let bits = 0
  for (let rest = row; rest > 0; rest &= rest - 1) bits++
  return bits
}

/**
 * What a mask's value counts for in the Shapley value of a segment, by the number of segments shown: `within` if the segment is
 * one of them, and less `without` if it is not. [segments + 1] each
 */
export function shapleyShares(segments: number): { within: Float64Array; without: Float64Array } {
  const within = new Float64Array(segments + 1)
  const without = new Float64Array(segments + 1)
  for (let shown = 0; shown <= segments; shown++) {
    if (shown > 0) within[shown] = 1 / (shown * choose(segments, shown))
    if (shown < segments) without[shown] = 1 / ((segments - shown) * choose(segments, shown))
  }
  return { within, without }
}

/** To shuffle a segment takes as long as so many additions. */
const drawingASegment = 16

/**
 * KernelSHAP's samples: sizes drawn by the Shapley kernel's weight of all sets of that size, (n - 1) / (s (n - s)), sets of a
 * size alike, each followed by its complement, which halves the noise (Covert and Lee, "Improving KernelSHAP", AISTATS 2021).
 * The first row shows all segments, the second none: their weights are endless, and they are no part of the sample.
 */
export function* sampleCoalitions(random: RandomState, samples: number, segments: number): Steps<Masks> {
  const rows = Math.max(2, samples)
  checkRoomForMasks(rows, segments)
  const data = new Uint8Array(rows * segments).fill(1, 0, segments)
  const chances = Array.from({ length: Math.max(0, segments - 1) }, (_, i) => 1 / ((i + 1) * (segments - i - 1)))
  const total = chances.reduce((sum, chance) => sum + chance, 0)
  const step = rowsAStep(drawingASegment * segments)
  for (let row = 2; row < rows && segments > 1; row += 2) {
    if ((row / 2) % step === 0) yield row / rows
    let rest = random.uniform(0, total)
    let size = 1
    while (size < segments - 1 && rest >= chances[size - 1]) rest -= chances[size++ - 1]
    const shown = random.permutation(segments).slice(0, size)
    for (const segment of shown) data[row * segments + segment] = 1
    if (row + 1 < rows) for (let s = 0; s < segments; s++) data[(row + 1) * segments + s] = 1 - data[row * segments + s]
  }
  return { data, shape: [rows, segments] }
}

/**
 * The Shapley kernel's weighted least squares with its constraint: values that add up to all - none, and explain the samples
 * (rows 2 and on of sampleCoalitions, equally weighted) best. Labels share the system.
 * @returns solve, of targets [rows], the classifier's answer to each row
 */
export function* kernelShap({ data, shape: [rows, n] }: Masks): Steps<(targets: Float64Array) => Steps<Float64Array>> {
  if (n === 1) return ([all, none]) => known(Float64Array.of(all - none))
  const features = range(n)
  const step = rowsAStep(n)
  // Rows 0 and 1 are no part of the sample.
  const drawn = Math.max(0, rows - 2)
  const shown = new Uint8Array(drawn * n)
  for (let row = 0, at = 0; row < drawn; row++) {
    if (row % step === 0) yield 0
    for (let i = 0; i < n; i++, at++) shown[at] = 1 - data[2 * n + at]
  }
  const ones = new Float64Array(drawn).fill(1)
  const bits = yield* part(bitsOfFeatures(shown, drawn, n, features), 0, 0.1)
  const gram = yield* part(weightsOfPairs(bits, ones), 0.1, 0.5)
  const factor = yield* part(factorPositive(gram, n), 0.5, 1)
  const even = factor.solve(new Float64Array(n).fill(1))
  const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0)
  return function* (targets) {
    const [all, none] = targets
    const right = new Float64Array(n)
    for (let row = 2; row < rows; row++) {
      if (row % step === 0) yield
      for (let i = 0; i < n; i++) right[i] += data[row * n + i] * (targets[row] - none)
    }
    const free = factor.solve(right)
    const surplus = (sum(free) - (all - none)) / (sum(even) || 1)
    return free.map((value, i) => value - even[i] * surplus)
  }
}
