import tileCode from '../../../shaders/conv2d-tile.wgsl?raw'
import workgroupCode from '../../../shaders/conv2d-workgroup.wgsl?raw'
import { type AdapterTraits, type Binding, type Candidate, type Constants, type Dispatch, i32 } from '../dispatch.ts'

/** The ways to run a convolution whose window has no gaps, and the dispatches they come to. */

/** How a tile's weights come to its lanes. */
type WeightSource = 'storage' | 'uniform' | 'subgroup'

/** A way to run conv2d-tile.wgsl, or with `weights: 'workgroup'` conv2d-workgroup.wgsl. */
export interface Tile extends Candidate {
  readonly height: number
  readonly width: number
  readonly fours: number
  /** How many channels are in hand at a time; a tile loads four of a pixel at once, or one. */
  readonly channelsAtOnce: number
  readonly loadsFours: boolean
  readonly weights: WeightSource | 'workgroup'
  /** It makes its images itself, by the inner convolution. */
  readonly recomputes: boolean
  /** Its products are f16. */
  readonly half: boolean
}

/**
 * height, width (null: what divides the image's best), fours of outputs, channels at once: the first that fits an adapter's
 * kind is its default. On a processor a load costs as much as many products, so tiles are large; compilers set their end.
 */
const tileSizes = {
  fourLanes: [
    [4, null, 4, 1],
    [4, 4, 4, 1],
    [4, null, 2, 1],
    [2, 4, 8, 1],
    [4, 4, 1, 4],
  ],
  // Half as fast again by the larger ones, which take lavapipe two to three times as long to compile.
  eightLanes: [
    [2, 2, 4, 1],
    [4, 2, 8, 1],
    [2, 2, 8, 1],
    [2, null, 2, 1],
    [4, 4, 4, 1],
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
/** Likewise loads: where strides are larger than the window, a tile sees many more pixels than it multiplies. */
const maxLoads = 600

export interface TiledConvolution {
  /** Images with this many channels, summed over, become this many outputs. */
  readonly channels: number
  readonly outputGroups: number
  readonly window: readonly [number, number]
  /** Pixels that the window moves by. */
  readonly strides: readonly [number, number]
  /** Extents of the results. */
  readonly to: readonly [number, number]
  readonly canBeUniform: boolean
  readonly canBeHalf: boolean
  /** Of the inner convolution, if there is one: its window and the channels it sees. */
  readonly inner: { readonly window: readonly [number, number]; readonly channels: number } | null
}

/** The ways to run a convolution, best guess first. */
export function tilesFor(convolution: TiledConvolution, adapter: AdapterTraits): Tile[] {
  const { channels, outputGroups, canBeUniform, canBeHalf } = convolution
  const { lanes, isSoftware } = adapter
  const taps = convolution.window[0] * convolution.window[1]
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
  const add = (tile: Tile) => tiles.set(tile.name, tile)
  const options: TileOptions[] = (canBeHalf ? [true, false] : [false]).flatMap((half) =>
    (convolution.inner && movesByOne(convolution) ? [true, false] : [false]).map((recomputes) => ({
      half,
      recomputes,
    })),
  )
  if (!isSoftware && movesByOne(convolution))
    for (const each of options) {
      const tile = workgroupTile(convolution, each)
      if (tile) add(tile)
    }
  for (const weights of sources)
    for (const [height, fixedWidth, wanted, most] of sizes) {
      const width = fixedWidth ?? fittingExtent(convolution.to[1])
      const fours = [8, 4, 2, 1].find((count) => count <= wanted && outputGroups % count === 0) ?? 1
      const channelsAtOnce = channels % most === 0 ? most : 1
      if (taps * channelsAtOnce * fours * height * width > maxProducts) continue
      if (pixelsSeen(convolution, height, width) > maxLoads) continue
      for (const each of options) {
        const name = `${height}x${width}x${4 * fours}, ${channelsAtOnce} at once, ${weights}${said(each)}`
        add({ name, height, width, fours, channelsAtOnce, loadsFours: channelsAtOnce === 4, weights, ...each })
      }
    }
  return [...tiles.values()]
}

/** Pixels that a tile of results of these extents sees. */
function pixelsSeen({ window, strides }: TiledConvolution, height: number, width: number): number {
  return ((height - 1) * strides[0] + window[0]) * ((width - 1) * strides[1] + window[1])
}

/** What kernels other than conv2d-tile.wgsl, and images that are made inside a tile, take for granted. */
export function movesByOne({ strides }: Pick<TiledConvolution, 'strides'>): boolean {
  return strides.every((pixels) => pixels === 1)
}

/** How wide to cut an image into pieces, so many side by side, that little is left over: 4 to 8 pixels. */
export function fittingExtent(extent: number, sideBySide = 1): number {
  const covered = (piece: number) => Math.ceil(extent / (sideBySide * piece)) * sideBySide * piece
  return [8, 7, 6, 5, 4].sort((a, b) => covered(a) - covered(b))[0]
}

type TileOptions = Pick<Tile, 'half' | 'recomputes'>

function said({ half, recomputes }: TileOptions): string {
  return `${recomputes ? ', recomputing' : ''}${half ? ', f16' : ''}`
}

const workgroupLanes = 64
const segmentsAcross = 2
/** What every adapter has. */
const maxWorkgroupBytes = 2 ** 14

/** Workgroup memory pays where there are channels enough to sum over. */
function workgroupTile(
  { channels, outputGroups, window, to, inner }: TiledConvolution,
  options: TileOptions,
): Tile | null {
  const channelsAtOnce = 8
  if (channels < channelsAtOnce) return null
  const fours = [8, 4, 2, 1].find((count) => outputGroups % count === 0) ?? 1
  const height = workgroupLanes / fours / segmentsAcross
  const width = segmentsAcross * fittingExtent(to[1], segmentsAcross)
  const [down, across] = [height + window[0] - 1, width + window[1] - 1]
  const source =
    options.recomputes && inner ? (down + inner.window[0] - 1) * (across + inner.window[1] - 1) * inner.channels : 1
  const bytes = 4 * (channelsAtOnce * (down * across + 1 + 4 * window[0] * window[1] * fours) + source)
  if (bytes > maxWorkgroupBytes) return null
  const name = `${height}x${width}x${4 * fours}, workgroup memory${said(options)}`
  return { name, height, width, fours, channelsAtOnce, loadsFours: false, weights: 'workgroup', ...options }
}

/** Bindings and functions of one side of a convolution. */
export interface Part {
  readonly bindings: readonly Binding[]
  readonly functions: readonly string[]
}

/** A convolution whose window has no gaps, whatever kernels it is run by. */
export interface ConvolutionWork {
  readonly kernel: string
  readonly count: number
  /** Extents of the images that are read, and of the ones that are made. */
  readonly from: readonly [number, number]
  readonly to: readonly [number, number]
  readonly window: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly padding: readonly [number, number]
  readonly channels: number
  readonly outputGroups: number
  /** `load_channels`, or what an inner convolution is made of. */
  readonly images: Part
  /** `weight4`. */
  readonly weights: Part
  /** `store_y4`, `image_count`, `epilogue`. */
  readonly results: Part
  /** Where images are recomputed: from ones of these extents and channels, by this window. */
  readonly inner?: InnerWork
}

export interface InnerWork {
  readonly from: readonly [number, number]
  readonly channels: number
  readonly window: readonly [number, number]
  readonly padding: readonly [number, number]
}

/** A tile's constants of the inner convolution; without one there is nothing to cover. */
function innerConstants(work: ConvolutionWork, tile: Tile, lanes: number): Constants {
  const { inner } = work
  const { from, channels, window, padding } = inner ?? { from: [1, 1], channels: 1, window: [1, 1], padding: [0, 0] }
  const covered = (axis: 0 | 1, extent: number) => (inner ? extent + work.window[axis] + window[axis] - 2 : 1)
  const weights = window[0] * window[1] * channels
  return {
    RECOMPUTED: inner !== undefined,
    SOURCE_HEIGHT: i32(from[0]),
    SOURCE_WIDTH: i32(from[1]),
    SOURCE_CHANNELS: channels,
    SOURCE_COVERED_HEIGHT: covered(0, tile.height),
    SOURCE_COVERED_WIDTH: covered(1, tile.width),
    INNER_HEIGHT: window[0],
    INNER_WIDTH: window[1],
    INNER_PAD_TOP: i32(padding[0]),
    INNER_PAD_LEFT: i32(padding[1]),
    INNER_WEIGHTS: weights,
    INNER_PACKED: Math.ceil(weights / Math.max(lanes, 1)),
  }
}

/** What every kernel of a convolution is told of its images and results. */
export function extentConstants({ from, to, padding, channels, outputGroups }: ConvolutionWork): Constants {
  return {
    HEIGHT: i32(from[0]),
    WIDTH: i32(from[1]),
    OUT_HEIGHT: i32(to[0]),
    OUT_WIDTH: i32(to[1]),
    PAD_TOP: i32(padding[0]),
    PAD_LEFT: i32(padding[1]),
    CHANNELS: channels,
    OUTPUT_GROUPS: outputGroups,
  }
}

export function tiled(work: ConvolutionWork, tile: Tile, { lanes }: AdapterTraits): Dispatch {
  const [windowHeight, windowWidth] = work.window
  const across = Math.ceil(work.to[1] / tile.width)
  const down = Math.ceil(work.to[0] / tile.height)
  const tiles = work.count * across * down
  const parts = [work.images, work.weights, work.results]
  const bindings = parts.flatMap((part) => part.bindings)
  const functions = [
    `alias Real = ${tile.half ? 'f16' : 'f32'};`,
    'alias Four = vec4<Real>;',
    ...parts.flatMap((part) => part.functions),
  ]
  const constants: Constants = {
    ...extentConstants(work),
    WINDOW_HEIGHT: windowHeight,
    WINDOW_WIDTH: windowWidth,
    CHANNELS_AT_ONCE: tile.channelsAtOnce,
    TILE_HEIGHT: tile.height,
    TILE_WIDTH: tile.width,
    TILES_ACROSS: across,
    TILES_DOWN: down,
    HALF: tile.half,
    ...innerConstants(work, tile, lanes),
  }
  if (tile.weights === 'workgroup') {
    const segment = tile.width / segmentsAcross
    const coveredWidth = tile.width + windowWidth - 1
    return {
      kernel: work.kernel,
      bindings,
      constants: {
        ...constants,
        FILTER_LANES: tile.fours,
        SEGMENT: segment,
        SEGMENTS_ACROSS: segmentsAcross,
        SEGMENT_COVERED: segment + windowWidth - 1,
        COVERED_WIDTH: coveredWidth,
        PARTIALS: tile.half ? segment : 1,
        COVERED_PIXELS: coveredWidth * (tile.height + windowHeight - 1),
      },
      functions,
      code: workgroupCode,
      threads: tiles * workgroupLanes,
      layers: work.outputGroups / tile.fours,
      workgroupSize: workgroupLanes,
      half: tile.half,
    }
  }
  const packedWeights = windowHeight * windowWidth * tile.channelsAtOnce * tile.fours
  const subgroups = tile.weights === 'subgroup'
  return {
    kernel: work.kernel,
    bindings,
    constants: {
      ...constants,
      FOURS: tile.fours,
      PARTIALS: tile.half ? tile.height * tile.width * tile.fours : 1,
      STEPS_DOWN: work.strides[0],
      STEPS_ACROSS: work.strides[1],
      COVERED_HEIGHT: (tile.height - 1) * work.strides[0] + windowHeight,
      COVERED_WIDTH: (tile.width - 1) * work.strides[1] + windowWidth,
      SUBGROUP: subgroups,
      LANES: Math.max(lanes, 1),
      PACKED_WEIGHTS: packedWeights,
      PACKED: subgroups ? Math.ceil(packedWeights / lanes) : 1,
    },
    functions,
    code: tileCode,
    threads: tiles,
    layers: work.outputGroups / tile.fours,
    subgroups,
    half: tile.half,
  }
}
