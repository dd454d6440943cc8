import { sizeOf } from '../../tensor.ts'
import { f32, type I32, i32, select } from '../../wasm/emitter.ts'
import type { CpuKernel } from '../kernel.ts'

/** Kernels that move rows of numbers about: batches, perturbed images, random numbers. */

/** One unit an index; -1 gives zeros. Stored pixels (u8) are widened and scaled on the way. */
export const gather: CpuKernel = (step, emitter) => {
  const [data, indices] = step.inputs
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
  const [dy, indices] = step.inputs
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

/** One unit a sample. */
export const blendBySegments: CpuKernel = (step, emitter) => {
  const [image, fudged, segments, masks] = step.inputs
  const [y] = step.outputs
  const [height, width, channels] = image.shape
  const words = masks.shape[1]
  emitter.phase(masks.shape[0], 0, (body, unit) => {
    const bits = body.local('i32', i32.mul(unit, i32.const(words * 4)))
    const to = body.local('i32', i32.mul(unit, i32.const(height * width * channels * 4)))
    const from = body.local('i32', i32.const(0))
    const segment = body.local('i32')
    const shown = body.local('i32')
    body.for(0, height * width, 1, (pixel) => {
      body.set(segment, i32.load(i32.shl(pixel, i32.const(2)), segments.address))
      const word = i32.load(i32.add(bits, i32.shl(i32.shrU(segment, i32.const(5)), i32.const(2))), masks.address)
      body.set(shown, i32.and(i32.shrU(word, i32.and(segment, i32.const(31))), i32.const(1)))
      for (let c = 0; c < channels; c++) {
        body.store(to, select(shown, f32.load(from, image.address), f32.load(from, fudged.address)), y.address)
        body.advance(from, 4)
        body.advance(to, 4)
      }
    })
  })
}

/** ops/random.ts's hash, in the same wrapping 32-bit arithmetic. One unit up to 4,096 numbers. */
export const random: CpuKernel = (step, emitter) => {
  const [position] = step.inputs
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
