import { sizeOf } from '../../tensor.ts'
import { f32, type I32, i32 } from '../../wasm/instructions.ts'
import type { CpuKernel } from '../kernel.ts'

/** ops/random.ts's hash, in the same wrapping 32-bit arithmetic. One unit up to 4,096 numbers. */
export const random: CpuKernel = (step, emitter) => {
  const { position } = step.inputs
  const [y] = step.outputs
  const size = sizeOf(y.shape)
  const unitSize = 4096
  const seed = Number(step.attributes.seed)
  emitter.phase(Math.ceil(size / unitSize), 0, (body, unit) => {
    const hash = (value: I32): I32 => {
      const state = body.local('i32', i32.add(i32.mul(value, i32.const(747796405)), i32.const(2891336453)))
      const shift = i32.add(i32.shrU(state, i32.const(28)), i32.const(4))
      const word = body.local('i32', i32.mul(i32.xor(i32.shrU(state, shift), state), i32.const(277803737)))
      return i32.xor(i32.shrU(word, i32.const(22)), word)
    }
    const stream = body.local('i32', hash(i32.add(i32.const(seed), hash(i32.load(i32.const(0), position.address)))))
    const first = body.local('i32', i32.mul(unit, i32.const(unitSize)))
    const end = body.local('i32', i32.add(first, i32.const(unitSize)))
    body.if(i32.ltS(i32.const(size), end), () => body.set(end, i32.const(size)))
    body.for(first, end, 1, (index) => {
      const bits = i32.shrU(hash(i32.xor(index, stream)), i32.const(8))
      body.store(i32.shl(index, i32.const(2)), f32.mul(f32.fromI32(bits), f32.const(1 / 0x1000000)), y.address)
    })
  })
}
