import type { RandomState } from '../random/random-state.ts'
import { rowsAStep, type Steps } from '../steps.ts'

/**
 * Masks that cover mixtures more evenly than chance does. They come in blocks, each made of a Hadamard matrix (Sylvester's, m x m of
 * 1 and -1, m the smallest power of two that is not below the number of segments, and 8 at least): segments get different columns of it, drawn at
 * random, each turned round or not, drawn at random, too; a row is a mask, and its complement comes next. In a whole block every three
 * segments show each of their eight combinations equally often: an orthogonal array of strength three (Hedayat, Sloane and
 * Stufken, "Orthogonal Arrays", 1999, chapter 7; what comes of folding a Hadamard matrix over). What a classifier makes of up to three
 * segments at a time then adds nothing to the error of a mean. Every single mask is as likely as any other, as with plain ones.
 *
 * Blocks are drawn independently of one another. Pairs of a block come in random order, so that a block that is cut off is a random
 * choice of its pairs, and so is a first part of the masks.
 */

/** With fewer, four columns often multiply to a constant one: the block then shows half of the masks of four segments. */
const leastPairs = 8

/** Pairs of a whole block: m. */
export function pairsABlock(segments: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(leastPairs, segments)))
}

/** Whole blocks, the last one cut off after so many rows: [rows, segments]. */
export function* drawBalancedMasks(random: RandomState, rows: number, segments: number): Steps<Uint8Array> {
  const data = new Uint8Array(rows * segments)
  const pairs = pairsABlock(segments)
  const step = rowsAStep(segments)
  for (let first = 0; first < rows; first += 2 * pairs) {
    const columns = random.permutation(pairs)
    const turned = random.bits(segments)
    const order = random.permutation(pairs)
    for (let pair = 0, row = first; pair < pairs && row < rows; pair++, row += 2) {
      if (row % step < 2) yield row / rows
      for (let segment = 0, at = row * segments; segment < segments; segment++, at++) {
        const shown = parity(order[pair] & columns[segment]) ^ turned[segment]
        data[at] = shown
        if (row + 1 < rows) data[at + segments] = 1 - shown
      }
    }
  }
  return data
}

/** Whether an odd number of bits is 1: row and column of Sylvester's matrix have -1 in common there. */
function parity(bits: number): number {
  let rest = bits ^ (bits >>> 16)
  rest ^= rest >>> 8
  rest ^= rest >>> 4
  return (0x6996 >>> (rest & 15)) & 1
}
