import { stridesOf } from '../../tensor.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { type I32, i32, type Local } from '../../wasm/instructions.ts'
import type { KernelEmitter } from '../kernel.ts'

/** Four elements side by side: `isStretched` tells of each operand whether it has one number for all of them. */
export type VisitFour = (body: FunctionBody, offsets: readonly Local<'i32'>[], isStretched: readonly boolean[]) => void

/**
 * Walks the elements of `shape` in row-major order with a byte offset into every operand, whose strides are in elements (0
 * where it is stretched), one unit an index of the first axis. Axes along which all operands are contiguous are walked as one.
 * `visitFour`, where it is given, takes the innermost axis' elements four at a time as far as that goes.
 */
export function walk(
  emitter: KernelEmitter,
  shape: readonly number[],
  operands: readonly (readonly number[])[],
  visit: (body: FunctionBody, offsets: readonly Local<'i32'>[]) => void,
  visitFour?: VisitFour,
): void {
  const { extents, strides } = mergeAxes(shape, operands)
  const inner = extents.length - 1
  const isByFours = visitFour && strides[0][inner] === 1 && strides.every((own) => own[inner] <= 1 && own[inner] >= 0)
  emitter.phase(extents[0], 0, (body, unit) => {
    const offsets = strides.map((stride) => body.local('i32', i32.mul(unit, i32.const(stride[0] * 4))))
    const nest = (axis: number): void => {
      const advance = (count: number) =>
        offsets.forEach((offset, operand) => {
          const stride = strides[operand][axis]
          if (stride !== 0) body.advance(offset, count * stride * 4)
        })
      if (axis === inner) {
        const fours = isByFours ? Math.floor(extents[axis] / 4) : 0
        if (visitFour && fours > 0) {
          const isStretched = strides.map((own) => own[inner] === 0)
          body.for(0, fours, 1, () => {
            visitFour(body, offsets, isStretched)
            advance(4)
          })
        }
        body.for(0, extents[axis] - 4 * fours, 1, () => {
          visit(body, offsets)
          advance(1)
        })
        return
      }
      body.for(0, extents[axis], 1, () => {
        nest(axis + 1)
        offsets.forEach((offset, operand) => {
          // The axes inside have moved the offset by their whole extents; this axis's stride counts from its start.
          const inside = strides[operand][axis + 1] * extents[axis + 1]
          if (strides[operand][axis] !== inside) body.advance(offset, (strides[operand][axis] - inside) * 4)
        })
      })
    }
    nest(1)
  })
}

/** Joins neighbouring axes that every operand walks without a gap. Always leaves two axes: units and one inner loop. */
function mergeAxes(shape: readonly number[], strides: readonly (readonly number[])[]) {
  const extents: number[] = []
  const merged: number[][] = strides.map(() => [])
  shape.forEach((extent, axis) => {
    const last = extents.length - 1
    const joins = last >= 0 && strides.every((stride, i) => merged[i][last] === stride[axis] * extent)
    if (joins) {
      extents[last] *= extent
      strides.forEach((stride, i) => {
        merged[i][last] = stride[axis]
      })
    } else {
      extents.push(extent)
      strides.forEach((stride, i) => {
        merged[i].push(stride[axis])
      })
    }
  })
  if (extents.length === 0) return { extents: [1, 1], strides: strides.map(() => [0, 0]) }
  if (extents.length > 1) return { extents, strides: merged }
  // One long run: units of up to 4,096 elements, so that threads can share it.
  const [total] = extents
  const inner = [4096, 1024, 256, 64, 16, 4].find((size) => total % size === 0) ?? total
  return { extents: [total / inner, inner], strides: merged.map(([stride]) => [stride * inner, stride]) }
}

/** Shorter runs are copied number by number: memory.copy is a call out of the module. */
const shortRun = 16

/** Where the elements of a walk lie: its first address, and strides in elements. */
export interface Track {
  readonly address: number
  readonly strides: readonly number[]
}

/** Copies the elements of `shape`, 4 bytes each whatever they are, from one track to another, in runs where both have them. */
export function copyAlong(emitter: KernelEmitter, shape: readonly number[], from: Track, to: Track): void {
  if (shape.includes(0)) return
  const long = shape.flatMap((extent, axis) => (extent === 1 ? [] : [axis]))
  const { extents, strides } = mergeAxes(
    long.map((axis) => shape[axis]),
    [to.strides, from.strides].map((own) => long.map((axis) => own[axis])),
  )
  const last = extents.length - 1
  const isRun = extents[last] >= shortRun && strides.every((own) => own[last] === 1)
  const [walkedExtents, walkedStrides] = isRun
    ? [extents.slice(0, last), strides.map((own) => own.slice(0, last))]
    : [extents, strides]
  walk(emitter, walkedExtents, walkedStrides, (body, [target, source]) => {
    // Added up first: strides may be negative, and an access does not wrap round.
    const start = i32.add(source, i32.const(from.address))
    if (isRun) body.copy(i32.add(target, i32.const(to.address)), start, extents[last] * 4)
    else body.store(target, i32.load(start), to.address)
  })
}

/** Where element i of `shape` lies along these strides. */
export function indexAlong(i: I32, shape: readonly number[], strides: readonly number[]): I32 {
  const steps = stridesOf(shape)
  return shape.reduce<I32>((sum, extent, axis) => {
    if (strides[axis] === 0 || extent === 1) return sum
    const coordinate = i32.remU(i32.divU(i, i32.const(steps[axis])), i32.const(extent))
    return i32.add(sum, i32.mul(coordinate, i32.const(strides[axis])))
  }, i32.const(0))
}
