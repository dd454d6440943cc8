import { dilationOf } from '../../ops/window.ts'
import { f32, i32 } from '../../wasm/instructions.ts'
import type { CpuKernel } from '../kernel.ts'
import { type ChannelSums, slack, sumChannels } from './channel-sums.ts'
import { forEachBand, packWeights } from './convolution.ts'
import { epilogueOf } from './epilogue.ts'
import { expandedDepthwise } from './expanded-depthwise.ts'
import { bytesOf, type PixelLayout, pad, paddedFor, windowOf } from './padded-image.ts'

/**
 * Depthwise convolution. Where a channel makes several (a multiplier), its image is stored so that vectors of four still
 * hold what belongs together.
 */

/** Pixels [C] stored as [C, multiplier]: each channel once for each result that it makes. */
export function repeated(channels: number, multiplier: number): PixelLayout | undefined {
  if (multiplier === 1) return undefined
  return {
    bytes: channels * 4,
    write(body, to, from) {
      const [source, target] = [body.local('i32', from), body.local('i32', to)]
      body.for(0, channels, 1, () => {
        body.for(0, multiplier, 1, () => {
          body.store(target, f32.load(source))
          body.advance(target, 4)
        })
        body.advance(source, 4)
      })
    },
  }
}

/** y = x * kernel, channel by channel. */
export const depthwiseConv2d: CpuKernel = (step, emitter) => {
  if ('expansion' in step.attributes) expandedDepthwise(step, emitter)
  else storedDepthwise(step, emitter)
}

const storedDepthwise: CpuKernel = (step, emitter) => {
  const { x, kernel } = step.inputs
  const [y] = step.outputs
  const w = windowOf(step.attributes)
  const [, height, width, channels] = x.shape
  const columns = y.shape[3]
  const weights = packWeights(emitter, kernel, columns)
  const layout = repeated(channels, columns / channels)
  const image = layout ? paddedFor(height, width, columns, w) : { height, width, channels }
  const own = { image, dilation: dilationOf(w), columns, layers: 1, weights, epilogue: epilogueOf(step, emitter) }
  const job: ChannelSums = layout ? { ...w, ...own, padTop: 0, padLeft: 0 } : { ...w, ...own }
  const place = { top: w.padTop, left: w.padLeft, strideY: 1, strideX: 1 }
  forEachBand(emitter, y.shape, layout ? bytesOf(image) + slack : 0, (body, n, rows, scratch) => {
    const from = i32.add(i32.const(x.address), i32.mul(n, i32.const(height * width * channels * 4)))
    if (layout) pad(body, from, [height, width], image, scratch, place, layout)
    const offset = i32.mul(n, i32.const(w.outHeight * w.outWidth * columns * 4))
    sumChannels(body, layout ? scratch : from, i32.const(y.address), offset, rows, job)
  })
}
