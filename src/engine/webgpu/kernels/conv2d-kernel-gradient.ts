import kernelGradientCode from '../../../shaders/conv2d-kernel-gradient.wgsl?raw'
import stridedCode from '../../../shaders/conv2d-kernel-gradient-strided.wgsl?raw'
import tapsInOnePixelCode from '../../../shaders/taps-in-one-pixel.wgsl?raw'
import tapsScatteredCode from '../../../shaders/taps-scattered.wgsl?raw'
import type { WindowAttributes } from '../../ops/window.ts'
import type { PlanStep } from '../../plan/plan.ts'
import {
  type AdapterTraits,
  type Candidate,
  type Dispatch,
  i32,
  type Lowering,
  loadRows,
  loadSingly,
  scratch,
  storeRows,
} from '../dispatch.ts'
import { isTight, windowConstants } from './conv2d.ts'
import { combine, wantedThreads } from './matmul.ts'
import { lowerColumnSums } from './reduce.ts'

/** A partial gradient is as large as the kernel: past this many, combining them costs more than it spreads. */
const maxSlices = 256

/** A way to run conv2d-kernel-gradient.wgsl. */
interface Walk extends Candidate {
  /** Fours of filters, and outputs side by side, that a thread has in hand. */
  readonly fours: number
  readonly step: number
  readonly subgroup: boolean
}

/** Written-out multiplications of vec4s a kernel may have: compilers take seconds for more. */
const maxProducts = 320

function walksFor(taps: number, channels: number, filterGroups: number, { lanes, isSoftware }: AdapterTraits): Walk[] {
  const canShare = lanes > 0 && channels % lanes === 0
  const walks = new Map<string, Walk>()
  for (const subgroup of canShare ? (isSoftware ? [true, false] : [false, true]) : [false])
    for (const wanted of isSoftware ? [2, 4, 1] : [1, 2]) {
      const fours = [wanted, 2, 1].find((count) => count <= wanted && filterGroups % count === 0) ?? 1
      for (const step of [4, 2, 1]) {
        if (taps * fours * step > maxProducts) continue
        const name = `${4 * fours} filters, ${step} at once${subgroup ? ', subgroup' : ''}`
        walks.set(name, { name, fours, step, subgroup })
        break
      }
    }
  return [...walks.values()]
}

/** Sums over all outputs are cut into slices of rows, until there are threads enough. */
export function slicesOf(rows: number, threadsInSlice: number): { slices: number; rowsInSlice: number } {
  const rowsInSlice = Math.ceil(rows / Math.min(Math.ceil(wantedThreads / threadsInSlice), rows, maxSlices))
  return { slices: Math.ceil(rows / rowsInSlice), rowsInSlice }
}

export const lowerKernelGradient: Lowering = (step, { adapter, choose }) => {
  const w = step.attributes as WindowAttributes
  const { x, dy } = step.inputs
  const [count, height, width, channels] = x.shape
  const filters = dy.shape[3]
  const filterGroups = Math.ceil(filters / 4)
  const taps = w.windowHeight * w.windowWidth
  const walks = isTight(w) ? walksFor(taps, channels, filterGroups, adapter) : []
  if (walks.length === 0) return strided(step, w)
  const walk = choose(walks)
  const sums = step.outputs.length === 2
  const rows = count * w.outHeight
  const threadsInSlice = channels * (filterGroups / walk.fours)
  const { slices, rowsInSlice } = slicesOf(rows, threadsInSlice)
  const gradientRows = taps * channels + (sums ? 1 : 0)
  const target = scratch([slices, gradientRows, filters])
  const parts = [loadSingly('x', x, channels), loadRows('dy', dy, filters), storeRows('dk', target, filters)]
  const { outHeight, outWidth, windowHeight, windowWidth } = w
  const gradient: Dispatch = {
    kernel: step.kernel,
    bindings: parts.map(({ binding }) => binding),
    constants: {
      HEIGHT: i32(height),
      WIDTH: i32(width),
      OUT_HEIGHT: i32(outHeight),
      OUT_WIDTH: i32(outWidth),
      PAD_TOP: i32(w.padTop),
      PAD_LEFT: i32(w.padLeft),
      WINDOW_HEIGHT: windowHeight,
      WINDOW_WIDTH: windowWidth,
      TAPS: taps,
      CHANNELS: channels,
      FOURS: walk.fours,
      FILTER_GROUPS: filterGroups / walk.fours,
      STEP: walk.step,
      OVERLAP: windowWidth - 1,
      COVERED_WIDTH: walk.step + windowWidth - 1,
      ROWS: rows,
      ROWS_IN_SLICE: rowsInSlice,
      DK_ROWS: gradientRows,
      SUMS: sums,
      SUBGROUP: walk.subgroup,
      LANES: Math.max(adapter.lanes, 1),
      PACKED: walk.subgroup ? Math.ceil((walk.step * walk.fours) / adapter.lanes) : 1,
    },
    functions: parts.map(({ functions }) => functions),
    code: kernelGradientCode,
    threads: threadsInSlice * slices,
    subgroups: walk.subgroup,
  }
  return [gradient, combine(step, target, slices, gradientRows, filters)]
}

function strided(step: PlanStep, w: WindowAttributes): Dispatch[] {
  const { x, dy } = step.inputs
  const [dk, ...sums] = step.outputs
  const [count, height, width, channels] = x.shape
  const filters = dy.shape[3]
  const taps = w.windowHeight * w.windowWidth * channels
  const tiles = Math.ceil(taps / 4) * Math.ceil(filters / 4)
  const rows = count * w.outHeight
  const { slices, rowsInSlice } = slicesOf(rows, tiles)
  const target = slices === 1 ? dk : scratch([slices, taps, filters])
  const parts = [loadRows('x', x, channels), loadRows('dy', dy, filters), storeRows('dk', target, filters)]
  const gradient: Dispatch = {
    kernel: step.kernel,
    bindings: parts.map(({ binding }) => binding),
    constants: {
      ...windowConstants(w, height, width),
      CHANNELS: channels,
      TAPS: taps,
      FILTER_GROUPS: Math.ceil(filters / 4),
      ROWS: rows,
      ROWS_IN_SLICE: rowsInSlice,
    },
    functions: [
      ...parts.map(({ functions }) => functions),
      channels % 4 === 0 ? tapsInOnePixelCode : tapsScatteredCode,
    ],
    code: stridedCode,
    threads: tiles * slices,
  }
  const kernelOnly = { ...step, outputs: [dk] }
  return [
    gradient,
    ...(slices === 1 ? [] : [combine(kernelOnly, target, slices, taps, filters)]),
    ...sums.flatMap((sum) => lowerColumnSums(dy, sum)),
  ]
}
