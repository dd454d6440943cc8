import { groupsOf } from '../../ops/conv2d.ts'
import { dilationOf, type WindowAttributes } from '../../ops/window.ts'
import { f32, i32 } from '../../wasm/instructions.ts'
import type { CpuKernel, CpuOperand, KernelEmitter } from '../kernel.ts'
import { correlate, forEachBand } from './convolution.ts'
import { epilogueOf } from './epilogue.ts'
import { bytesOf, type PaddedImage, pad, windowOf } from './padded-image.ts'
import { packedWidth } from './register-block.ts'

/**
 * conv2d's gradient for its images, as convolutions of dy with stride 1. A tap of the window meets every stride-th pixel of dx only, so
 * which taps meet a pixel depends on where it lies between two strides: its phase. The pixels of a phase are a convolution of dy with
 * the taps that meet them, turned round, their channels swapped (sub-pixel convolution: Shi et al., Is the deconvolution layer the
 * same as a convolutional layer?, 2016). So nothing is multiplied by the zeros that strides would put between dy's pixels. With
 * stride 1 there is one phase, which all taps meet.
 */

/** Along one axis: the pixels of dx that the same taps meet. */
interface Phase {
  /** The first of its pixels, and how many there are, a stride apart. */
  readonly first: number
  readonly count: number
  /** How many taps meet them, the last of these, and how far before it the one before is. */
  readonly taps: number
  readonly lastTap: number
  readonly tapStep: number
  /** Where in dy the first pixel's last tap is, perhaps before its begin, and pixels of dy from one tap to the next. */
  readonly start: number
  readonly dilation: number
}

interface Axis {
  /** Of dx. */
  readonly extent: number
  readonly window: number
  readonly stride: number
  readonly dilation: number
  readonly before: number
}

function phasesOf({ extent, window, stride, dilation, before }: Axis): Phase[] {
  // Taps so far apart meet the same pixels.
  const tapStep =
    Array.from({ length: stride }, (_, i) => i + 1).find((step) => (step * dilation) % stride === 0) ?? stride
  return Array.from({ length: Math.min(stride, extent) }, (_, first) => {
    const meets = (tap: number) => (first + before - tap * dilation) % stride === 0
    const firstTap = Array.from({ length: Math.min(tapStep, window) }, (_, tap) => tap).find(meets)
    const taps = firstTap === undefined ? 0 : Math.ceil((window - firstTap) / tapStep)
    const lastTap = (firstTap ?? 0) + (taps - 1) * tapStep
    return {
      first,
      count: Math.ceil((extent - first) / stride),
      taps,
      lastTap,
      tapStep,
      start: taps === 0 ? 0 : (first + before - lastTap * dilation) / stride,
      dilation: (tapStep * dilation) / stride,
    }
  })
}

/** The rows (or columns) of dy that the phases need: from which on, zeros before its first among them, and how many. */
function reachOf(phases: readonly Phase[]): { readonly before: number; readonly extent: number } {
  const met = phases.filter(({ taps }) => taps > 0)
  const before = Math.max(0, ...met.map(({ start }) => -start))
  const ends = met.map(({ start, taps, dilation, count }) => start + (taps - 1) * dilation + count)
  return { before, extent: before + Math.max(0, ...ends) }
}

/** The weights of the taps that meet a phase, turned round: [groups, rows, columns, a group's filters, its channels]. */
function packTurned(
  emitter: KernelEmitter,
  kernel: CpuOperand,
  { windowWidth }: WindowAttributes,
  groups: number,
  [row, column]: readonly [Phase, Phase],
): number {
  const taps = row.taps * column.taps
  if (taps === 0) return 0
  const [, , ownChannels, filters] = kernel.shape
  const ownFilters = filters / groups
  const packed = packedWidth(ownChannels)
  const weights = emitter.workspace(groups * taps * ownFilters * packed * 4)
  emitter.phase(groups * taps, 0, (body, unit) => {
    const tap = groups === 1 ? unit : i32.remU(unit, i32.const(taps))
    const back = (index: typeof tap, { lastTap, tapStep }: Phase) =>
      i32.sub(i32.const(lastTap), i32.mul(index, i32.const(tapStep)))
    const down = i32.mul(back(i32.divU(tap, i32.const(column.taps)), row), i32.const(windowWidth))
    const turned = i32.add(down, back(i32.remU(tap, i32.const(column.taps)), column))
    const first = groups === 1 ? null : i32.mul(i32.divU(unit, i32.const(taps)), i32.const(ownFilters))
    const to = body.local('i32', i32.mul(unit, i32.const(ownFilters * packed * 4)))
    const tapStart = body.local('i32', i32.mul(turned, i32.const(ownChannels * filters * 4)))
    body.for(0, ownFilters, 1, (filter) => {
      const place = i32.shl(first ? i32.add(first, filter) : filter, i32.const(2))
      const from = body.local('i32', i32.add(tapStart, place))
      body.for(0, ownChannels, 1, () => {
        body.store(to, f32.load(from, kernel.address), weights)
        body.advance(to, 4)
        body.advance(from, filters * 4)
      })
      body.advance(to, (packed - ownChannels) * 4)
    })
  })
  return weights
}

/** dx from dy. */
export const conv2dInputGradient: CpuKernel = (step, emitter) => {
  const { dy, kernel } = step.inputs
  const [dx] = step.outputs
  const w = windowOf(step.attributes)
  const [count, height, width, channels] = dx.shape
  const filters = kernel.shape[3]
  const [groups, [dilationY, dilationX]] = [groupsOf(w), dilationOf(w)]
  const rows = phasesOf({
    extent: height,
    window: w.windowHeight,
    stride: w.strideY,
    dilation: dilationY,
    before: w.padTop,
  })
  const columns = phasesOf({
    extent: width,
    window: w.windowWidth,
    stride: w.strideX,
    dilation: dilationX,
    before: w.padLeft,
  })
  const [down, across] = [reachOf(rows), reachOf(columns)]
  const image: PaddedImage = { height: down.extent, width: across.extent, channels: filters }
  const phases = rows.flatMap((row) =>
    columns.map((column) => ({ row, column, weights: packTurned(emitter, kernel, w, groups, [row, column]) })),
  )
  const epilogue = epilogueOf(step, emitter)
  const [pixel, outPixel] = [filters * 4, channels * 4]
  const place = { top: down.before, left: across.before, strideY: 1, strideX: 1 }
  // A band's rows are those of each phase.
  const phaseRows = Math.ceil(height / w.strideY)
  forEachBand(emitter, [count, phaseRows], bytesOf(image), (body, n, [first, bandRows], scratch) => {
    const from = i32.add(i32.const(dy.address), i32.mul(n, i32.const(w.outHeight * w.outWidth * pixel)))
    pad(body, from, [w.outHeight, w.outWidth], image, scratch, place)
    const offset = i32.mul(n, i32.const(height * width * outPixel))
    for (const { row, column, weights } of phases) {
      const above = down.before + row.start
      const seen = i32.add(scratch, i32.const((above * image.width + across.before + column.start) * pixel))
      const made = i32.add(offset, i32.const((row.first * width + column.first) * outPixel))
      const own = body.local('i32', bandRows)
      if (row.count < phaseRows) {
        const left = i32.sub(i32.const(row.count), first)
        body.if(i32.ltS(left, own), () => body.set(own, left))
      }
      correlate(body, seen, i32.const(dx.address), made, [first, own], {
        image,
        windowHeight: row.taps,
        windowWidth: column.taps,
        strideY: 1,
        strideX: 1,
        dilation: [row.dilation, column.dilation],
        groups,
        outWidth: column.count,
        outPixel: w.strideX * outPixel,
        outRow: w.strideY * width * outPixel,
        filters: channels,
        weights,
        layout: {
          inner: (row.taps * column.taps * filters) / groups,
          columns: channels / groups,
          layout: 'rows',
        },
        epilogue,
      })
    }
  })
}
