import { coverOf, dilationOf } from '../../ops/window.ts'
import type { StepTypes } from '../../plan/arrange-weights.ts'
import { innerAttributes } from '../../plan/epilogues.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { type I32, i32, type Local } from '../../wasm/instructions.ts'
import type { CpuKernel } from '../kernel.ts'
import { type ChannelSums, slack, sumChannels } from './channel-sums.ts'
import { forEachBand, packWeights } from './convolution.ts'
import { epilogueOf } from './epilogue.ts'
import { emitRows, type PackedProduct } from './packed-product.ts'
import { windowOf } from './padded-image.ts'
import { inPanels, type Matrices, panelsOf } from './panels.ts'

/**
 * A depthwise convolution of images that a pointwise one (an inverted residual block's expansion) makes of narrower ones: a few lines at
 * a time, in scratch memory, where they stay in the second-level cache until all windows have passed them. In memory they would be several
 * times as large as what goes in and what comes out.
 */

/** Bytes of lines that are kept at a time: half of a second-level cache of 512 KB. */
const keptBytes = 2 ** 18

/** The expansion's kernel: its pixels' channels by what it makes of them. */
export function expansionMatrix({ inputs, outputs: [y] }: StepTypes): Matrices {
  return { inner: inputs.x.shape[3], columns: y.shape[3], isTransposed: false, count: 1 }
}

export const expandedDepthwise: CpuKernel = (step, emitter) => {
  const { x, kernel, innerGain: gain, innerBias: bias } = step.inputs
  const [y] = step.outputs
  const w = windowOf(step.attributes)
  const [count, height, width, narrow] = x.shape
  const channels = y.shape[3]
  const matrix = expansionMatrix(step)
  const panels = panelsOf(step, 'innerKernel', matrix, emitter)
  const weights = packWeights(emitter, kernel, channels)
  const narrowBytes = width * narrow * 4
  const lineBytes = width * channels * 4
  const [cover] = coverOf(w)
  const bandRows = Math.ceil(w.outHeight / bandsOf(count, emitter.threads))
  const fitting = Math.floor((keptBytes / lineBytes - cover) / w.strideY) + 1
  const stepRows = Math.max(1, Math.min(fitting, bandRows))
  // A step may see no more of them than the image has.
  const lines = Math.min(height, (stepRows - 1) * w.strideY + cover)
  const product: PackedProduct = {
    rows: lines * width,
    inner: narrow,
    columns: channels,
    rowStride: narrow * 4,
    innerStride: 4,
    right: inPanels(matrix),
    output: 0,
    epilogue: epilogueOf({ inputs: { gain, bias }, attributes: innerAttributes(step.attributes) }, emitter),
  }
  const job: ChannelSums = {
    ...w,
    image: { height, width, channels },
    dilation: dilationOf(w),
    columns: channels,
    layers: 1,
    weights,
    epilogue: epilogueOf(step, emitter),
  }
  forEachBand(
    emitter,
    y.shape,
    lines * lineBytes + slack,
    (body, n, [first, rows], scratch) => {
      const images = body.local('i32', i32.add(i32.const(x.address), i32.mul(n, i32.const(height * narrowBytes))))
      const offset = body.local('i32', i32.mul(n, i32.const(w.outHeight * w.outWidth * channels * 4)))
      const end = body.local('i32', i32.add(first, rows))
      const firstLineOf = (row: I32) => atLeast0(body, i32.sub(i32.mul(row, i32.const(w.strideY)), i32.const(w.padTop)))
      // Lines `start` to `made` - 1 are in scratch memory.
      const start = firstLineOf(first)
      const made = body.local('i32', start)
      body.for(first, end, stepRows, (row) => {
        const taken = atMost(body, i32.sub(end, row), i32.const(stepRows))
        const top = firstLineOf(row)
        body.if(i32.ltS(start, top), () => {
          const passed = i32.mul(i32.sub(top, start), i32.const(lineBytes))
          const kept = body.local('i32', i32.mul(i32.sub(made, top), i32.const(lineBytes)))
          body.if(i32.gtS(kept, i32.const(0)), () => body.copy(scratch, i32.add(scratch, passed), kept))
          body.set(start, top)
          body.if(i32.ltS(made, top), () => body.set(made, top))
        })
        const below = i32.sub(
          i32.mul(i32.add(row, taken), i32.const(w.strideY)),
          i32.const(w.strideY + w.padTop - cover),
        )
        const bottom = atMost(body, below, i32.const(height))
        body.if(i32.ltS(made, bottom), () => {
          const place = {
            left: i32.add(images, i32.mul(made, i32.const(narrowBytes))),
            right: i32.const(panels),
            output: i32.add(scratch, i32.mul(i32.sub(made, start), i32.const(lineBytes))),
          }
          const pixels = body.local('i32', i32.mul(i32.sub(bottom, made), i32.const(width)))
          emitRows(body, product, place, pixels, { group: null, groups: 1 })
          body.set(made, bottom)
        })
        const image = body.local('i32', i32.sub(scratch, i32.mul(start, i32.const(lineBytes))))
        sumChannels(body, image, i32.const(y.address), offset, [row, taken], job)
      })
    },
    bandRows,
  )
}

function atLeast0(body: FunctionBody, value: I32): Local<'i32'> {
  const bounded = body.local('i32', value)
  body.if(i32.ltS(bounded, i32.const(0)), () => body.set(bounded, i32.const(0)))
  return bounded
}

function atMost(body: FunctionBody, value: I32, most: I32): Local<'i32'> {
  const bounded = body.local('i32', value)
  body.if(i32.gtS(bounded, most), () => body.set(bounded, most))
  return bounded
}

/** Into how many bands each of `count` images is cut: as few as keep all threads busy, for two bands make the lines between them twice. */
function bandsOf(count: number, threads: number): number {
  let bands = 1
  while ((count * bands) % threads !== 0 && count * bands < 4 * threads) bands++
  return bands
}
