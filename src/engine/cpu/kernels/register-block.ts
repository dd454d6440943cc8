import type { Attributes } from '../../tensor.ts'
import { type FunctionBody, f32x4, type I32, i32, type Local, type V128 } from '../../wasm/emitter.ts'

/**
 * What convolutions and matrix products share: sums of a few rows x a few vectors of four columns held in registers
 * (x86 has 16: at most 8 sums beside the loaded weights and one value), an epilogue, and stores that stop at the last
 * column when the columns are not whole vectors.
 */
export interface Epilogue {
  /** Address of one number a column, which the sum is multiplied by. */
  readonly gain?: number
  /** Address of one number a column, added next. */
  readonly bias?: number
  /** Address of an array like the output, added then. */
  readonly residual?: number
  /** Negative sums become 0. */
  readonly relu: boolean
  /** Address of an array like the output: sums are kept only where it is positive. */
  readonly mask?: number
}

/** What a step does before it stores its sums. */
export function epilogueOf({
  inputs,
  attributes,
}: {
  readonly inputs: Readonly<Record<string, { readonly address: number }>>
  readonly attributes: Attributes
}): Epilogue {
  const addressOf = (name: 'gain' | 'bias' | 'residual' | 'mask') =>
    name in attributes ? inputs[name].address : undefined
  return {
    gain: addressOf('gain'),
    bias: addressOf('bias'),
    residual: addressOf('residual'),
    relu: 'relu' in attributes,
    mask: addressOf('mask'),
  }
}

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

/** Applies the epilogue to one row of a block. `column`: bytes from the first bias to the block's; `output`: from the output's start to the row's block. */
export function finish(
  body: FunctionBody,
  row: readonly Local<'v128'>[],
  epilogue: Epilogue,
  column: I32,
  output: I32,
): void {
  row.forEach((sum, v) => {
    // May be read up to three numbers past their ends: blocks of memory have that much slack.
    const [gain, bias] = [epilogue.gain, epilogue.bias].map((address = 0) => f32x4.load(column, address + v * 16))
    finishVector(body, sum, epilogue, { gain, bias }, output, v * 16)
  })
}

/** The numbers of a vector's four columns; each is read only if the epilogue has it. */
export interface ColumnNumbers {
  readonly gain: V128
  readonly bias: V128
}

/** Applies the epilogue to one vector, at output + offset. */
export function finishVector(
  body: FunctionBody,
  sum: Local<'v128'>,
  epilogue: Epilogue,
  { gain, bias }: ColumnNumbers,
  output: I32,
  offset = 0,
): void {
  if (epilogue.gain !== undefined) body.set(sum, f32x4.mul(sum, gain))
  if (epilogue.bias !== undefined) body.set(sum, f32x4.add(sum, bias))
  // The same slack here and below.
  if (epilogue.residual !== undefined) body.set(sum, f32x4.add(sum, f32x4.load(output, epilogue.residual + offset)))
  if (epilogue.relu) body.set(sum, f32x4.relu(sum))
  if (epilogue.mask !== undefined)
    body.set(sum, f32x4.and(sum, f32x4.gt(f32x4.load(output, epilogue.mask + offset), f32x4.const(0))))
}
