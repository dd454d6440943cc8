import blendLoadCode from '../../../shaders/blend-load.wgsl?raw'
import inputGradientStridedCode from '../../../shaders/conv2d-input-gradient-strided.wgsl?raw'
import conv2dStridedCode from '../../../shaders/conv2d-strided.wgsl?raw'
import tileCode from '../../../shaders/conv2d-tile.wgsl?raw'
import type { WindowAttributes } from '../../ops/window.ts'
import type { PlanOperand, PlanStep } from '../../plan.ts'
import { byteLengthOf } from '../../tensor.ts'
import {
  type AdapterTraits,
  type Binding,
  type Candidate,
  type Constants,
  type Dispatch,
  epilogueOf,
  gatherFour,
  i32,
  type Lowering,
  type LoweringContext,
  loadRows,
  loadSingly,
  read,
  storeRows,
} from '../dispatch.ts'

/** The window's walk and the image's extents, as every convolution and pooling kernel names them. */
export function windowConstants(w: WindowAttributes, height: number, width: number): Constants {
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
  }
}

/** How a tile's weights come to its lanes. */
type WeightSource = 'storage' | 'uniform' | 'subgroup'

/** A way to run conv2d-tile.wgsl. */
interface Tile extends Candidate {
  readonly height: number
  readonly width: number
  readonly fours: number
  readonly channelsAtOnce: 1 | 4
  readonly weights: WeightSource
}

/** height, width, fours of outputs, channels at once: the first that fits an adapter's kind is its default. */
const tileSizes = {
  // A SwiftShader load of four channels costs little more than one of one; lavapipe's costs four.
  fourLanes: [
    [4, 4, 1, 4],
    [4, 2, 1, 4],
    [2, 2, 1, 4],
  ],
  eightLanes: [
    [2, 2, 4, 1],
    [4, 2, 4, 1],
    [4, 4, 2, 1],
    [4, 4, 1, 1],
  ],
  hardware: [
    [2, 4, 1, 4],
    [2, 2, 2, 4],
    [1, 4, 2, 4],
    [4, 4, 1, 4],
    [2, 2, 4, 1],
  ],
} as const

/** Written-out multiplications of vec4s a kernel may have: compilers take seconds for more. */
const maxProducts = 1200

interface TiledConvolution {
  /** Images with this many channels, summed over, become this many outputs. */
  readonly channels: number
  readonly outputGroups: number
  readonly taps: number
  readonly canBeUniform: boolean
}

/** The ways to run a convolution, best guess first. */
function tilesFor(
  { channels, outputGroups, taps, canBeUniform }: TiledConvolution,
  { lanes, isSoftware }: AdapterTraits,
): Tile[] {
  const sizes = !isSoftware ? tileSizes.hardware : lanes === 4 ? tileSizes.fourLanes : tileSizes.eightLanes
  const shared: WeightSource[] = lanes > 0 ? ['subgroup'] : []
  const uniform: WeightSource[] = canBeUniform ? ['uniform'] : []
  // A GPU's lanes get a weight they all want in one load as it is. A processor loads it once for each lane.
  const sources: WeightSource[] = !isSoftware
    ? [...uniform, 'storage', ...shared]
    : shared.length + uniform.length > 0
      ? [...shared, ...uniform]
      : ['storage']
  const tiles = new Map<string, Tile>()
  for (const weights of sources)
    for (const [height, width, wanted, most] of sizes) {
      const fours = [wanted, 2, 1].find((count) => count <= wanted && outputGroups % count === 0) ?? 1
      const channelsAtOnce = channels % most === 0 ? most : 1
      if (taps * channelsAtOnce * fours * height * width > maxProducts) continue
      const name = `${height}x${width}x${4 * fours}, ${channelsAtOnce} at once, ${weights}`
      tiles.set(name, { name, height, width, fours, channelsAtOnce, weights })
    }
  return [...tiles.values()]
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

/** conv2d's images: stored, or blended while they are loaded. */
function imagesOf(inputs: readonly PlanOperand[], blend: boolean, singly: boolean): Images {
  if (!blend) {
    const x = (singly ? loadSingly : loadRows)('x', inputs[0], inputs[0].shape[3])
    return { shape: inputs[0].shape, bindings: [x.binding], functions: [x.functions] }
  }
  const [image, fudged, segments, masks] = inputs
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
function loadChannels(name: string, channelsAtOnce: number): string {
  const four =
    channelsAtOnce === 4 ? `load_${name}4(row, channel / 4u)` : `vec4f(load_${name}(row, channel), vec3f(0.0))`
  return `fn load_channels(row: u32, channel: u32) -> vec4f { return ${four}; }`
}

interface TiledWork {
  readonly kernel: string
  readonly count: number
  /** Extents of the images that are read, and of the ones that are made. */
  readonly from: readonly [number, number]
  readonly to: readonly [number, number]
  readonly window: readonly [number, number]
  readonly padding: readonly [number, number]
  readonly channels: number
  readonly outputGroups: number
  readonly bindings: readonly Binding[]
  readonly functions: readonly string[]
}

function tiled(work: TiledWork, tile: Tile, { lanes }: AdapterTraits): Dispatch {
  const [windowHeight, windowWidth] = work.window
  const across = Math.ceil(work.to[1] / tile.width)
  const down = Math.ceil(work.to[0] / tile.height)
  const tiles = work.count * across * down
  const packedWeights = windowHeight * windowWidth * tile.channelsAtOnce * tile.fours
  const subgroups = tile.weights === 'subgroup'
  return {
    kernel: work.kernel,
    bindings: work.bindings,
    constants: {
      HEIGHT: i32(work.from[0]),
      WIDTH: i32(work.from[1]),
      OUT_HEIGHT: i32(work.to[0]),
      OUT_WIDTH: i32(work.to[1]),
      WINDOW_HEIGHT: windowHeight,
      WINDOW_WIDTH: windowWidth,
      PAD_TOP: i32(work.padding[0]),
      PAD_LEFT: i32(work.padding[1]),
      CHANNELS: work.channels,
      TILE_HEIGHT: tile.height,
      TILE_WIDTH: tile.width,
      FOURS: tile.fours,
      CHANNELS_AT_ONCE: tile.channelsAtOnce,
      COVERED_HEIGHT: tile.height + windowHeight - 1,
      COVERED_WIDTH: tile.width + windowWidth - 1,
      TILES: tiles,
      TILES_ACROSS: across,
      TILES_DOWN: down,
      SUBGROUP: subgroups,
      LANES: Math.max(lanes, 1),
      PACKED_WEIGHTS: packedWeights,
      PACKED: subgroups ? Math.ceil(packedWeights / lanes) : 1,
    },
    functions: work.functions,
    code: tileCode,
    threads: tiles,
    layers: work.outputGroups / tile.fours,
    subgroups,
  }
}

function asUniform(binding: Binding, weights: WeightSource): Binding {
  return weights === 'uniform' ? { ...binding, access: 'uniform' } : binding
}

const lowerConv2d: Lowering = (step, context) => {
  const w = step.attributes as WindowAttributes
  const isUnitStride = w.strideY === 1 && w.strideX === 1
  const blend = step.attributes.blend === true
  const kernel = step.inputs[blend ? 4 : 1]
  const [channels, filters] = kernel.shape.slice(2)
  const outputGroups = Math.ceil(filters / 4)
  const taps = w.windowHeight * w.windowWidth
  const canBeUniform = fitsUniform(kernel, context.adapter)
  const tiles = isUnitStride ? tilesFor({ channels, outputGroups, taps, canBeUniform }, context.adapter) : []
  if (tiles.length === 0) return [stridedConv2d(step, w, kernel, blend)]
  const tile = context.choose(tiles)
  const images = imagesOf(step.inputs, blend, tile.channelsAtOnce === 1)
  const weights = loadRows('kernel', kernel, filters)
  const y = storeRows('y', step.outputs[0], filters)
  const epilogue = epilogueOf(step, filters)
  return [
    tiled(
      {
        kernel: step.kernel,
        count: images.shape[0],
        from: [images.shape[1], images.shape[2]],
        to: [w.outHeight, w.outWidth],
        window: [w.windowHeight, w.windowWidth],
        padding: [w.padTop, w.padLeft],
        channels,
        outputGroups,
        bindings: [...images.bindings, asUniform(weights.binding, tile.weights), y.binding, ...epilogue.bindings],
        functions: [
          ...images.functions,
          loadChannels('x', tile.channelsAtOnce),
          weights.functions,
          `fn weight4(tap: u32, channel: u32, four: u32) -> vec4f { return load_kernel4(tap * ${channels}u + channel, four); }`,
          y.functions,
          ...epilogue.functions,
        ],
      },
      tile,
      context.adapter,
    ),
  ]
}

function stridedConv2d(step: PlanStep, w: WindowAttributes, kernel: PlanOperand, blend: boolean): Dispatch {
  const images = imagesOf(step.inputs, blend, false)
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
  const [dy, kernel] = step.inputs
  const [dx] = step.outputs
  const [count, height, width, channels] = dx.shape
  const filters = kernel.shape[3]
  const taps = w.windowHeight * w.windowWidth
  const outputGroups = Math.ceil(channels / 4)
  const canBeUniform = fitsUniform(kernel, context.adapter)
  const isUnitStride = w.strideY === 1 && w.strideX === 1
  const tiles = isUnitStride ? tilesFor({ channels: filters, outputGroups, taps, canBeUniform }, context.adapter) : []
  if (tiles.length === 0) return [stridedInputGradient(step, w)]
  const tile = context.choose(tiles)
  const images = (tile.channelsAtOnce === 1 ? loadSingly : loadRows)('dy', dy, filters)
  const weights = (tile.weights === 'uniform' ? loadRows : loadSingly)('kernel', kernel, filters)
  const y = storeRows('y', dx, channels)
  const epilogue = epilogueOf(step, channels)
  return [
    tiled(
      {
        kernel: step.kernel,
        count,
        from: [w.outHeight, w.outWidth],
        to: [height, width],
        window: [w.windowHeight, w.windowWidth],
        padding: [w.windowHeight - 1 - w.padTop, w.windowWidth - 1 - w.padLeft],
        channels: filters,
        outputGroups,
        bindings: [images.binding, asUniform(weights.binding, tile.weights), y.binding, ...epilogue.bindings],
        functions: [
          images.functions,
          loadChannels('dy', tile.channelsAtOnce),
          weights.functions,
          turnedWeights(taps, channels),
          y.functions,
          ...epilogue.functions,
        ],
      },
      tile,
      context.adapter,
    ),
  ]
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
  const [dy, kernel] = step.inputs
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

export const conv2dLowerings: Readonly<Record<string, (step: PlanStep, context: LoweringContext) => Dispatch[]>> = {
  conv2d: lowerConv2d,
  conv2dInputGradient: lowerInputGradient,
}
