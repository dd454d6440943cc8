import { f32, i32, select } from '../../wasm/instructions.ts'
import type { CpuKernel } from '../kernel.ts'

/** One unit a sample. */
export const blendBySegments: CpuKernel = (step, emitter) => {
  const { image, fudged, segments, masks } = step.inputs
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
