import blendLoadCode from '../../../shaders/blend-load.wgsl?raw'
import inputGradientStridedCode from '../../../shaders/conv2d-input-gradient-strided.wgsl?raw'
import conv2dStridedCode from '../../../shaders/conv2d-strided.wgsl?raw'
import { dilationOf, type WindowAttributes } from '../../ops/window.ts'
import type { PlanOperand, PlanStep } from '../../plan/plan.ts'
import { byteLengthOf, sizeOf } from '../../tensor.ts'
import {
  type AdapterTraits,
  type Binding,
  type Constants,
  countImages,
  type Dispatch,
  gatherFour,
  i32,
  type Lowering,
  loadRows,
  loadSingly,
  read,
  storeRows,
} from '../dispatch.ts'
import { epilogueOf } from '../epilogue.ts'
import { canRecompute, channelsAlias, innerOf, innerParts } from './conv2d-inner.ts'
import {
  type ConvolutionWork,
  movesByOne,
  type Part,
  type Tile,
  type TiledConvolution,
  tiled,
  tilesFor,
} from './conv2d-tiles.ts'
import { lowerMatmul } from './matmul.ts'
import { type Winograd, type WinogradExtents, winograd, winogradsFor } from './winograd.ts'

/** The window's walk and the image's extents, as every convolution and pooling kernel names them. */
export function windowConstants(w: WindowAttributes, height: number, width: number): Constants {
  const [dilationY, dilationX] = dilationOf(w)
  return {
    HEIGHT: i32(height),
    WIDTH: i32(width),
    OUT_HEIGHT: i32(w.outHeight),
    OUT_WIDTH: i32(w.outWidth),
    WINDOW_HEIGHT: i32(w.windowHeight),
    WINDOW_WIDTH: i32(w.windowWidth),
    STRIDE_Y: i32(w.strideY),
    STRIDE_X: i32(w.strideX),
    PAD_TOP: i32(w.padTop),
    PAD_LEFT: i32(w.padLeft),
    DILATION_Y: i32(dilationY),
    DILATION_X: i32(dilationX),
  }
}

/** Whether every lane may read a kernel as a uniform: rows of whole vec4s, not too many. */
export function fitsUniform(kernel: PlanOperand, { maxUniformBytes }: AdapterTraits): boolean {
  return kernel.shape[3] % 4 === 0 && byteLengthOf(kernel) <= maxUniformBytes
}

interface Images {
  readonly shape: readonly number[]
  readonly bindings: readonly Binding[]
  readonly functions: readonly string[]
}

/** What conv2d-source.wgsl calls for a number of image n. */
function loadSource([, height, width]: readonly number[]): string {
  return `fn load_source(n: u32, pixel: u32, channel: u32) -> f32 { return load_x(n * ${height * width}u + pixel, channel); }`
}

/** conv2d's images: stored, or blended while they are loaded. */
function imagesOf({ inputs, attributes }: PlanStep, singly: boolean): Images {
  if (!attributes.blend) {
    const { shape } = inputs.x
    const x = (singly ? loadSingly : loadRows)('x', inputs.x, shape[3])
    return { shape, bindings: [x.binding], functions: [x.functions, loadSource(shape)] }
  }
  const { image, fudged, segments, masks } = inputs
  const [height, width, channels] = image.shape
  return {
    shape: [masks.shape[0], height, width, channels],
    bindings: [read('image', image), read('fudged', fudged), read('segments', segments), read('masks', masks)],
    functions: [
      `const IMAGE_PIXELS = ${height * width}u;\nconst IMAGE_CHANNELS = ${channels}u;\nconst MASK_WORDS = ${masks.shape[1]}u;`,
      blendLoadCode,
      gatherFour('x', channels),
    ],
  }
}

/** What conv2d-tile.wgsl calls for a pixel's channels. */
function loadChannels(name: string, loadsFours: boolean): string {
  const four = loadsFours ? `load_${name}4(row, channel / 4u)` : `vec4f(load_${name}(row, channel), vec3f(0.0))`
  return `fn load_channels(row: u32, channel: u32) -> vec4f { return ${four}; }`
}

function asUniform(binding: Binding, weights: Tile['weights']): Binding {
  return weights === 'uniform' ? { ...binding, access: 'uniform' } : binding
}

const lowerConv2d: Lowering = (step, context) => {
  const two = innerOf(step)
  const { outer, inner } = two ?? { outer: step, inner: null }
  const w = outer.attributes as WindowAttributes
  const { kernel } = outer.inputs
  const [channels, filters] = kernel.shape.slice(2)
  if (!inner && !outer.attributes.blend && isPointwise(step)) return lowerMatmul(asProduct(step), context)
  const extents = {
    count: step.outputs[0].shape[0],
    to: [w.outHeight, w.outWidth],
    window: [w.windowHeight, w.windowWidth],
    strides: [w.strideY, w.strideX],
    channels,
    outputGroups: Math.ceil(filters / 4),
    canBeUniform: fitsUniform(kernel, context.adapter),
    canBeHalf: outer.attributes.half === true,
    inner: two && canRecompute(step) ? two.work : null,
  } as const
  const ways = waysFor(w, extents, context.adapter)
  // The inner convolution of its own accord, where it is not made inside the tiles.
  const before = () => (inner ? lowerConv2d(inner, { ...context, choose: ([first]) => first }) : [])
  if (ways.length === 0) return [...before(), stridedConv2d(outer, w)]
  const way = context.choose(ways)
  const recomputed = two && way.recomputes ? { ...two, ...innerParts(two, way.loadsFours) } : null
  const images = recomputed ? imagesOf(step, true) : imagesOf(outer, !way.loadsFours)
  const weights = loadRows('kernel', kernel, filters)
  const [, height, width] = recomputed ? outer.inputs.x.shape : images.shape
  const work: ConvolutionWork = {
    kernel: step.kernel,
    ...extents,
    from: [height, width],
    padding: [w.padTop, w.padLeft],
    images: {
      bindings: [...images.bindings, ...(recomputed?.bindings ?? [])],
      functions: [
        ...images.functions,
        ...(recomputed?.functions ?? [channelsAlias(way.loadsFours), loadChannels('x', way.loadsFours)]),
      ],
    },
    weights: {
      bindings: [asUniform(weights.binding, way.weights)],
      functions: [
        weights.functions,
        `fn weight4(tap: u32, channel: u32, four: u32) -> vec4f { return load_kernel4(tap * ${channels}u + channel, four); }`,
      ],
    },
    results: resultsOf(outer),
    inner: recomputed?.work,
  }
  return [...(recomputed ? [] : before()), ...dispatchesOf(work, way, context.adapter)]
}

/** All ways to run a convolution, best guess first; none where its window has gaps, or is too large for tiles. */
function waysFor(
  w: WindowAttributes,
  work: TiledConvolution & WinogradExtents,
  adapter: AdapterTraits,
): (Tile | Winograd)[] {
  if (dilationOf(w).some((pixels) => pixels > 1)) return []
  const tiles = tilesFor(work, adapter)
  return tiles.length > 0 && movesByOne(work) ? [...tiles, ...winogradsFor(work, adapter)] : tiles
}

/** Whether each result is made of the one pixel that lies where it does, and each pixel makes one. */
function isPointwise({ inputs, attributes }: PlanStep): boolean {
  const w = attributes as WindowAttributes
  const [height, width] = inputs.x.shape.slice(1)
  return (
    [w.windowHeight, w.windowWidth, w.strideY, w.strideX].every((extent) => extent === 1) &&
    [w.padTop, w.padLeft].every((pixels) => pixels === 0) &&
    w.outHeight === height &&
    w.outWidth === width
  )
}

/** A pointwise convolution as what it is: the matrix of all pixels' channels times the kernel's. */
function asProduct(step: PlanStep): PlanStep {
  const { x, kernel, ...others } = step.inputs
  const [channels, filters] = kernel.shape.slice(2)
  const rows = ({ shape }: PlanOperand) => sizeOf(shape.slice(0, -1))
  return {
    ...step,
    inputs: {
      a: { ...x, shape: [rows(x), channels] },
      b: { ...kernel, shape: [channels, filters] },
      ...others,
    },
    outputs: step.outputs.map((y) => ({ ...y, shape: [rows(y), filters] })),
    attributes: { ...step.attributes, transposeA: false, transposeB: false },
  }
}

/** Whether a window has no gaps and moves by one pixel. */
export function isTight(w: WindowAttributes): boolean {
  return [w.strideY, w.strideX, ...dilationOf(w)].every((pixels) => pixels === 1)
}

function dispatchesOf(work: ConvolutionWork, way: Tile | Winograd, adapter: AdapterTraits): Dispatch[] {
  return 'maps' in way ? winograd(work, way, adapter) : [tiled(work, way, adapter)]
}

/** What a step's result is stored by. */
function resultsOf(step: PlanStep): Part {
  const [result] = step.outputs
  const [, height, width, channels] = result.shape
  const y = storeRows('y', result, channels)
  const epilogue = epilogueOf(step, channels)
  return {
    bindings: [y.binding, ...epilogue.bindings],
    functions: [y.functions, countImages(height * width * channels, channels), ...epilogue.functions],
  }
}

function stridedConv2d(step: PlanStep, w: WindowAttributes): Dispatch {
  const images = imagesOf(step, false)
  const { kernel } = step.inputs
  const [count, height, width, channels] = images.shape
  const filters = kernel.shape[3]
  const epilogue = epilogueOf(step, filters)
  const parts = [loadRows('kernel', kernel, filters), storeRows('y', step.outputs[0], filters)]
  const filterGroups = Math.ceil(filters / 4)
  const strips = Math.ceil(w.outWidth / 4)
  return {
    kernel: step.kernel,
    bindings: [...images.bindings, ...parts.map(({ binding }) => binding), ...epilogue.bindings],
    constants: {
      ...windowConstants(w, height, width),
      CHANNELS: channels,
      FILTER_GROUPS: filterGroups,
      STRIPS: strips,
    },
    functions: [...images.functions, ...parts.map(({ functions }) => functions), ...epilogue.functions],
    code: conv2dStridedCode,
    threads: count * w.outHeight * strips * filterGroups,
  }
}

/**
 * The images' gradient is a convolution of dy with the kernel turned by half a turn, filters and channels exchanged, and
 * what the window's size leaves of the padding.
 */
const lowerInputGradient: Lowering = (step, context) => {
  const w = step.attributes as WindowAttributes
  const { dy, kernel } = step.inputs
  const [dx] = step.outputs
  const [count, height, width, channels] = dx.shape
  const filters = kernel.shape[3]
  const extents = {
    count,
    to: [height, width],
    window: [w.windowHeight, w.windowWidth],
    strides: [1, 1],
    channels: filters,
    outputGroups: Math.ceil(channels / 4),
    canBeUniform: fitsUniform(kernel, context.adapter),
    canBeHalf: false,
    inner: null,
  } as const
  const ways = movesByOne({ strides: [w.strideY, w.strideX] }) ? waysFor(w, extents, context.adapter) : []
  if (ways.length === 0) return [stridedInputGradient(step, w)]
  const way = context.choose(ways)
  const images = (way.loadsFours ? loadRows : loadSingly)('dy', dy, filters)
  const weights = (way.weights === 'uniform' ? loadRows : loadSingly)('kernel', kernel, filters)
  const work: ConvolutionWork = {
    kernel: step.kernel,
    ...extents,
    from: [w.outHeight, w.outWidth],
    padding: [w.windowHeight - 1 - w.padTop, w.windowWidth - 1 - w.padLeft],
    images: {
      bindings: [images.binding],
      functions: [images.functions, channelsAlias(way.loadsFours), loadChannels('dy', way.loadsFours)],
    },
    weights: {
      bindings: [asUniform(weights.binding, way.weights)],
      functions: [weights.functions, turnedWeights(w.windowHeight * w.windowWidth, channels)],
    },
    results: resultsOf(step),
    inner: undefined,
  }
  return dispatchesOf(work, way, context.adapter)
}

/** Four channels' weights for one filter; those past the last channel are never stored. */
function turnedWeights(taps: number, channels: number): string {
  const row = (k: number) => (channels % 4 === 0 ? `row + ${k}u` : `row + min(${k}u, ${channels - 1}u - 4u * four)`)
  return `fn weight4(tap: u32, filter_: u32, four: u32) -> vec4f {
  let row = (${taps - 1}u - tap) * ${channels}u + 4u * four;
  return vec4f(load_kernel(${row(0)}, filter_), load_kernel(${row(1)}, filter_), load_kernel(${row(2)}, filter_), load_kernel(${row(3)}, filter_));
}`
}

function stridedInputGradient(step: PlanStep, w: WindowAttributes): Dispatch {
  const { dy, kernel } = step.inputs
  const [dx] = step.outputs
  const [count, height, width, channels] = dx.shape
  const filters = kernel.shape[3]
  const epilogue = epilogueOf(step, channels)
  const parts = [loadRows('dy', dy, filters), loadRows('kernel', kernel, filters), storeRows('dx', dx, channels)]
  const channelGroups = Math.ceil(channels / 4)
  const strips = Math.ceil(width / 4)
  return {
    kernel: step.kernel,
    bindings: [...parts.map(({ binding }) => binding), ...epilogue.bindings],
    constants: {
      ...windowConstants(w, height, width),
      CHANNELS: channels,
      CHANNEL_GROUPS: channelGroups,
      FILTER_GROUPS: Math.ceil(filters / 4),
      STRIPS: strips,
    },
    functions: [...parts.map(({ functions }) => functions), ...epilogue.functions],
    code: inputGradientStridedCode,
    threads: count * height * strips * channelGroups,
  }
}

export const conv2dLowerings = {
  conv2d: lowerConv2d,
  conv2dInputGradient: lowerInputGradient,
} satisfies Record<string, Lowering>
