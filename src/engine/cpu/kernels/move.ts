import { concatRuns } from '../../ops/concat.ts'
import { padWalk, sliceWalk } from '../../ops/slice-and-pad.ts'
import type { Walk } from '../../ops/strided.ts'
import { transposeWalk } from '../../ops/transpose.ts'
import { type Shape, sizeOf, stridesOf } from '../../tensor.ts'
import { f32, i32 } from '../../wasm/instructions.ts'
import type { CpuKernel, CpuOperand } from '../kernel.ts'
import { copyAlong, type Track, walk } from './walk.ts'

/** Kernels that move numbers and change none. */

function trackOf({ address }: CpuOperand, { offset, strides }: Walk): Track {
  return { address: address + offset * 4, strides }
}

/** The result is read along a walk through x. */
function readAlong<A>(walkOf: (shape: Shape, attributes: A) => Walk): CpuKernel {
  return ({ inputs: { x }, outputs: [y], attributes }, emitter) => {
    const from = trackOf(x, walkOf(x.shape, attributes as unknown as A))
    copyAlong(emitter, y.shape, from, { address: y.address, strides: stridesOf(y.shape) })
  }
}

export const transpose = readAlong(transposeWalk)
export const slice = readAlong(sliceWalk)

/** The value everywhere, then x over it. */
export const pad: CpuKernel = ({ inputs: { x }, outputs: [y], attributes }, emitter) => {
  const number = Number(attributes.value)
  const value = y.dtype === 'i32' ? i32.const(number) : f32.const(number)
  walk(emitter, [sizeOf(y.shape)], [[1]], (body, [at]) => body.store(at, value, y.address))
  const to = trackOf(y, padWalk(y.shape, attributes as unknown as Parameters<typeof padWalk>[1]))
  copyAlong(emitter, x.shape, { address: x.address, strides: stridesOf(x.shape) }, to)
}

/** Every part in runs of its own. */
export const concat: CpuKernel = ({ inputs, outputs: [y], attributes }, emitter) => {
  const given = Object.values(inputs)
  const { outer, run, parts } = concatRuns(
    given.map(({ shape }) => shape),
    Number(attributes.axis),
  )
  parts.forEach(({ first, length }, part) => {
    const from = { address: given[part].address, strides: [length, 1] }
    copyAlong(emitter, [outer, length], from, { address: y.address + first * 4, strides: [run, 1] })
  })
}
