import { takeExtents } from '../../ops/take.ts'
import { sizeOf } from '../../tensor.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { f32, type I32, i32, type Local } from '../../wasm/instructions.ts'
import type { CpuKernel } from '../kernel.ts'

/** An index as it counts from the first entry, read from memory. Compared without a sign, what lies beyond either end is too large. */
function entryAt(body: FunctionBody, address: I32, offset: number, extent: number): Local<'i32'> {
  const entry = body.local('i32', i32.load(address, offset))
  body.if(i32.ltS(entry, i32.const(0)), () => body.advance(entry, extent))
  return entry
}

/** One unit an entry that is taken. */
export const take: CpuKernel = (step, emitter) => {
  const { data, indices } = step.inputs
  const [y] = step.outputs
  const [outer, extent, inner] = takeExtents(data.shape, Number(step.attributes.axis))
  const count = sizeOf(indices.shape)
  emitter.phase(outer * count, 0, (body, unit) => {
    const at = i32.shl(i32.remU(unit, i32.const(count)), i32.const(2))
    const entry = entryAt(body, at, indices.address, extent)
    const to = i32.add(i32.mul(unit, i32.const(inner * 4)), i32.const(y.address))
    const before = i32.mul(i32.divU(unit, i32.const(count)), i32.const(extent))
    const from = i32.add(i32.mul(i32.add(before, entry), i32.const(inner * 4)), i32.const(data.address))
    body.if(
      i32.ltU(entry, i32.const(extent)),
      () => body.copy(to, from, inner * 4),
      () => body.fill(to, 0, inner * 4),
    )
  })
}

/** One unit a run of the axis: entries of equal index must be added one after the other. */
export const takeGradient: CpuKernel = (step, emitter) => {
  const { dy, indices } = step.inputs
  const [dx] = step.outputs
  const [outer, extent, inner] = takeExtents(dx.shape, Number(step.attributes.axis))
  const count = sizeOf(indices.shape)
  emitter.phase(outer, 0, (body, unit) => {
    const start = body.local('i32', i32.mul(unit, i32.const(extent * inner * 4)))
    const from = body.local('i32', i32.mul(unit, i32.const(count * inner * 4)))
    const to = body.local('i32')
    body.fill(i32.add(start, i32.const(dx.address)), 0, extent * inner * 4)
    body.for(0, count, 1, (index) => {
      const entry = entryAt(body, i32.shl(index, i32.const(2)), indices.address, extent)
      const skip = () => body.advance(from, inner * 4)
      const add = () => {
        body.set(to, i32.add(start, i32.mul(entry, i32.const(inner * 4))))
        body.for(0, inner, 1, () => {
          body.store(to, f32.add(f32.load(to, dx.address), f32.load(from, dy.address)), dx.address)
          body.advance(from, 4)
          body.advance(to, 4)
        })
      }
      body.if(i32.ltU(entry, i32.const(extent)), add, skip)
    })
  })
}
