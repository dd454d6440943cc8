import type { FunctionBody } from '../../wasm/emitter.ts'
import { f32x4, type I32, i32, type Local } from '../../wasm/instructions.ts'

/**
 * What convolutions and matrix products share: sums of a few rows x a few vectors of four columns held in registers
 * (x86 has 16: at most 8 sums beside the loaded weights and one value), and stores that stop at the last column when the columns are
 * not whole vectors.
 */

/**
 * How the right matrix of a product lies. In rows: as matrices do. In panels: [blocks of columns, inner, a block's columns], so that the
 * columns that are summed together are one stretch of memory: rows of many columns lie so far apart that they would all fall into the
 * same few places of a cache.
 */
export type RightLayout = 'rows' | 'panels'

/** Columns rounded up to whole vectors of four. */
export function packedWidth(columns: number): number {
  return Math.ceil(columns / 4) * 4
}

/**
 * Runs of equal blocks that cover the columns: `count` blocks of `vectors` vectors from vector `first`. `wanted` vectors a
 * block, and what is left over in a narrower one; unless given, 2 to 4, evenly if that can be.
 */
export function vectorBlocks(columns: number, wanted?: number): { first: number; count: number; vectors: number }[] {
  const total = packedWidth(columns) / 4
  const vectors = wanted ?? [4, 3, 2].find((even) => total % even === 0) ?? 4
  const whole = Math.floor(total / vectors)
  const rest = total - whole * vectors
  return [
    ...(whole > 0 ? [{ first: 0, count: whole, vectors }] : []),
    ...(rest > 0 ? [{ first: whole * vectors, count: 1, vectors: rest }] : []),
  ]
}

/** Lanes of vector `v` of the last block that are columns: the block starts `column` bytes into a row. */
function lanes(columns: number, column: I32, v: number): { partial: number; isPartial: I32 } | null {
  const partial = columns % 4
  if (partial === 0) return null
  const last = (packedWidth(columns) - 4) * 4
  return { partial, isPartial: i32.eq(column, i32.const(last - v * 16)) }
}

/**
 * Stores vector `v` of a block at address + offset, or only its columns if it is the last, incomplete one. `column`: bytes
 * from the row's first column to the block's.
 */
export function storeVector(
  body: FunctionBody,
  address: I32,
  offset: number,
  value: Local<'v128'>,
  columns: number,
  column: I32,
  v: number,
): void {
  const edge = lanes(columns, column, v)
  if (!edge) {
    body.store(address, value, offset)
    return
  }
  body.if(
    edge.isPartial,
    () => {
      for (let lane = 0; lane < edge.partial; lane++)
        body.store(address, f32x4.extractLane(value, lane), offset + lane * 4)
    },
    () => body.store(address, value, offset),
  )
}
