import { sizeOf } from '../../tensor.ts'
import { f32, i32 } from '../../wasm/instructions.ts'
import type { CpuKernel } from '../kernel.ts'

/** One unit an index; -1 gives zeros. Stored pixels (u8) are widened and scaled on the way. */
export const gather: CpuKernel = (step, emitter) => {
  const { data, indices } = step.inputs
  const [y] = step.outputs
  const length = sizeOf(data.shape.slice(1))
  const itemBytes = data.dtype === 'u8' ? 1 : 4
  const scale = Number(step.attributes.scale)
  emitter.phase(indices.shape[0], 0, (body, unit) => {
    const index = body.local('i32', i32.load(i32.shl(unit, i32.const(2)), indices.address))
    const from = body.local('i32', i32.mul(index, i32.const(length * itemBytes)))
    const to = body.local('i32', i32.mul(unit, i32.const(length * 4)))
    const target = i32.add(to, i32.const(y.address))
    const copy = () => {
      if (data.dtype !== 'u8' && scale === 1) {
        body.copy(target, i32.add(from, i32.const(data.address)), length * 4)
        return
      }
      body.for(0, length, 1, () => {
        const value = data.dtype === 'u8' ? f32.fromI32(i32.load8U(from, data.address)) : f32.load(from, data.address)
        body.store(to, f32.mul(value, f32.const(scale)), y.address)
        body.advance(from, itemBytes)
        body.advance(to, 4)
      })
    }
    body.if(i32.ltS(index, i32.const(0)), () => body.fill(target, 0, length * 4), copy)
  })
}

/** One unit: entries of equal index must be added one after the other. */
export const scatter: CpuKernel = (step, emitter) => {
  const { dy, indices } = step.inputs
  const [dx] = step.outputs
  const length = sizeOf(dy.shape.slice(1))
  const scale = f32.const(Number(step.attributes.scale))
  emitter.phase(1, 0, (body) => {
    body.fill(i32.const(dx.address), 0, sizeOf(dx.shape) * 4)
    const from = body.local('i32', i32.const(0))
    const to = body.local('i32')
    const index = body.local('i32')
    body.for(0, indices.shape[0], 1, (row) => {
      body.set(index, i32.load(i32.shl(row, i32.const(2)), indices.address))
      const skip = () => body.advance(from, length * 4)
      body.if(i32.ltS(index, i32.const(0)), skip, () => {
        body.set(to, i32.mul(index, i32.const(length * 4)))
        body.for(0, length, 1, () => {
          const sum = f32.add(f32.load(to, dx.address), f32.mul(f32.load(from, dy.address), scale))
          body.store(to, sum, dx.address)
          body.advance(from, 4)
          body.advance(to, 4)
        })
      })
    })
  })
}
