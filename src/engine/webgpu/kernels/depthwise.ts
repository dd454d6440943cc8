import depthwiseCode from '../../../shaders/depthwise.wgsl?raw'
import { coverOf, type WindowAttributes } from '../../ops/window.ts'
import type { PlanStep } from '../../plan/plan.ts'
import {
  type AdapterTraits,
  type Candidate,
  countImages,
  type Dispatch,
  i32,
  type LoweringContext,
  loadRows,
  storeRows,
} from '../dispatch.ts'
import { epilogueOf } from '../epilogue.ts'
import { fittingExtent } from './conv2d-tiles.ts'

/** A way to run depthwise.wgsl: results side by side and one below the other that a thread makes. */
interface Strip extends Candidate {
  readonly width: number
  readonly height: number
}

/**
 * Width (null: what divides the image's best) and height, best guess first: a processor is full with few threads and has few registers, a GPU
 * is not.
 */
const stripSizes = {
  software: [
    [4, 32],
    [null, 32],
    [2, 32],
  ],
  hardware: [
    [2, 4],
    [4, 4],
    [1, 4],
    [2, 8],
    [4, 16],
  ],
} as const

/** Written-out multiplications or loads of vec4s a kernel may have: compilers take seconds for more. */
const maxWritten = 400

/** Whether depthwise.wgsl can run it: where a channel has one filter, and the window no gaps. */
export function isInStrips({ inputs, outputs, attributes }: PlanStep): boolean {
  const w = attributes as WindowAttributes
  const [height, width] = coverOf(w)
  return (
    inputs.x.shape[3] === outputs[0].shape[3] &&
    height === w.windowHeight &&
    width === w.windowWidth &&
    stripsFor(w, { isSoftware: true }).length > 0
  )
}

function stripsFor(w: WindowAttributes, { isSoftware }: Pick<AdapterTraits, 'isSoftware'>): Strip[] {
  // Where strides are larger than the window, most of what is written out are loads.
  const written = (width: number) =>
    Math.max(width * w.windowWidth * w.windowHeight, ((width - 1) * w.strideX + w.windowWidth) * w.strideY)
  const strips = stripSizes[isSoftware ? 'software' : 'hardware'].flatMap(([fixed, most]): Strip[] => {
    const width = Math.min(fixed ?? fittingExtent(w.outWidth), w.outWidth)
    const height = Math.min(most, w.outHeight)
    return written(width) > maxWritten ? [] : [{ name: `strips of ${height}x${width}`, width, height }]
  })
  return [...new Map(strips.map((strip) => [strip.name, strip])).values()]
}

export function lowerInStrips(step: PlanStep, { adapter, choose }: LoweringContext): Dispatch {
  const { x, kernel } = step.inputs
  const [y] = step.outputs
  const [count, height, width, channels] = x.shape
  const w = step.attributes as WindowAttributes
  const strip = choose(stripsFor(w, adapter))
  const epilogue = epilogueOf(step, channels)
  const parts = [loadRows('x', x, channels), loadRows('kernel', kernel, channels), storeRows('y', y, channels)]
  const fours = Math.ceil(channels / 4)
  const strips = Math.ceil(w.outWidth / strip.width)
  const pieces = Math.ceil(w.outHeight / strip.height)
  const rowsInHand = Math.ceil(w.windowHeight / w.strideY)
  return {
    kernel: step.kernel,
    bindings: [...parts.map(({ binding }) => binding), ...epilogue.bindings],
    constants: {
      HEIGHT: i32(height),
      WIDTH: i32(width),
      OUT_HEIGHT: i32(w.outHeight),
      OUT_WIDTH: i32(w.outWidth),
      PAD_TOP: i32(w.padTop),
      PAD_LEFT: i32(w.padLeft),
      TAPS_DOWN: w.windowHeight,
      TAPS_ACROSS: w.windowWidth,
      STEPS_DOWN: w.strideY,
      STEPS_ACROSS: w.strideX,
      FOURS: fours,
      STRIPS: strips,
      STRIP_WIDTH: strip.width,
      PIECES: pieces,
      PIECE_HEIGHT: strip.height,
      COVERED: (strip.width - 1) * w.strideX + w.windowWidth,
      ROWS_IN_HAND: rowsInHand,
      OLDER_ROWS: rowsInHand - 1,
    },
    functions: [
      ...parts.map(({ functions }) => functions),
      countImages(w.outHeight * w.outWidth * channels, channels),
      ...epilogue.functions,
    ],
    code: depthwiseCode,
    threads: count * pieces * strips * fours,
  }
}
