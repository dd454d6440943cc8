import imagesCode from '../../../shaders/winograd-images.wgsl?raw'
import kernelsCode from '../../../shaders/winograd-kernels.wgsl?raw'
import tilesCode from '../../../shaders/winograd-tiles.wgsl?raw'
import { largeTiles, type Matrix, smallTiles, type WinogradMaps } from '../../ops/winograd-maps.ts'
import { align, byteLengthOf } from '../../tensor.ts'
import {
  type AdapterTraits,
  type Candidate,
  type Constants,
  type Dispatch,
  f32,
  read,
  scratch,
  write,
} from '../dispatch.ts'
import { type ConvolutionWork, extentConstants } from './conv2d-tiles.ts'

/**
 * A convolution with a 3 x 3 window that moves by one pixel, by Winograd's short ones (see winograd-maps.ts): the planes of
 * the kernels and of the images are made first, then the tiles from them. 2.25 or 4 times fewer products for two more
 * dispatches, and the images' planes (2.25 or 4 times the images) in memory.
 */
export interface Winograd extends Candidate {
  readonly maps: WinogradMaps
  readonly tilesAtOnce: number
  readonly fours: number
  readonly loadsFours: false
  readonly weights: 'storage'
  readonly recomputes: false
}

/** Maps, tiles at once, fours of outputs. */
const sizes = {
  // More tiles at once would be a little faster, and take lavapipe ten seconds to compile.
  software: [
    [largeTiles, 2, 4],
    [smallTiles, 4, 4],
  ],
  hardware: [
    [largeTiles, 1, 2],
    [smallTiles, 2, 2],
    [smallTiles, 4, 1],
  ],
} as const

/** Fewer channels do not pay for the maps. */
const fewestChannels = 8
/** What every adapter binds. */
const maxPlanesBytes = 2 ** 27

export function winogradsFor(work: WinogradExtents, { isSoftware }: AdapterTraits): Winograd[] {
  if (work.window.some((extent) => extent !== 3) || work.channels < fewestChannels) return []
  return sizes[isSoftware ? 'software' : 'hardware'].flatMap(([maps, tilesAtOnce, wanted]) => {
    const fours = [4, 2, 1].find((count) => count <= wanted && work.outputGroups % count === 0) ?? 1
    const { images, kernels } = planesOf(work, maps)
    if (Math.max(images, kernels) * 4 > maxPlanesBytes) return []
    const name = `Winograd ${maps.tile}x${maps.tile}, ${tilesAtOnce} tiles x${4 * fours}`
    return [{ name, maps, tilesAtOnce, fours, loadsFours: false, weights: 'storage', recomputes: false }]
  })
}

export type WinogradExtents = Pick<ConvolutionWork, 'count' | 'to' | 'window' | 'channels' | 'outputGroups'>

/** How many tiles cover an image and all images, and numbers of the planes. */
function planesOf({ count, to, channels, outputGroups }: WinogradExtents, { tile, patch }: WinogradMaps) {
  const [down, across] = to.map((extent) => Math.ceil(extent / tile))
  const tiles = count * down * across
  const planes = patch * patch * channels
  return { down, across, tiles, images: planes * tiles, kernels: planes * outputGroups * 4 }
}

export function winograd(work: ConvolutionWork, chosen: Winograd, { lanes }: AdapterTraits): Dispatch[] {
  const { maps, tilesAtOnce, fours } = chosen
  const { tile, patch } = maps
  const { down, across, tiles, images, kernels } = planesOf(work, maps)
  // The images may lie in scratch themselves, where an inner convolution put them.
  const taken = work.images.bindings
    .filter(({ operand }) => operand.space === 'scratch')
    .reduce((end, { operand }) => Math.max(end, align(operand.offset + byteLengthOf(operand))), 0)
  const imagePlanes = scratch([images], taken)
  const kernelPlanes = scratch([kernels], taken + align(4 * images))
  const channelsAtOnce = [lanes / fours, 1].find((count) => count >= 1 && work.channels % count === 0) ?? 1
  const subgroups = lanes > 0
  const constants: Constants = {
    TILE: tile,
    PATCH: patch,
    ...extentConstants(work),
    TILES_DOWN: down,
    TILES_ACROSS: across,
    TILES_AT_ONCE: tilesAtOnce,
    FOURS: fours,
    CHANNELS_AT_ONCE: channelsAtOnce,
    SUBGROUP: subgroups,
    LANES: Math.max(lanes, 1),
    PACKED: subgroups ? Math.ceil((channelsAtOnce * fours) / lanes) : 1,
  }
  return [
    {
      kernel: `${work.kernel} (kernels' planes)`,
      bindings: [...work.weights.bindings, write('kernelPlanes', kernelPlanes, 'vec4f')],
      constants,
      functions: [...work.weights.functions, squareMap('kernel_planes', maps.kernel, 'vec4f')],
      code: kernelsCode,
      threads: work.channels * work.outputGroups,
    },
    {
      kernel: `${work.kernel} (images' planes)`,
      bindings: [...work.images.bindings, write('imagePlanes', imagePlanes)],
      constants,
      functions: [...work.images.functions, squareMap('image_planes', maps.input, 'f32')],
      code: imagesCode,
      threads: tiles * work.channels,
    },
    {
      kernel: work.kernel,
      bindings: [
        read('imagePlanes', imagePlanes),
        read('kernelPlanes', kernelPlanes, 'vec4f'),
        ...work.results.bindings,
      ],
      constants,
      functions: [
        ...work.results.functions,
        `const OUTPUT_MAP = array<f32, ${tile * patch}>(${maps.output.flat().map(f32).join(', ')});`,
      ],
      code: tilesCode,
      threads: Math.ceil(tiles / tilesAtOnce),
      layers: work.outputGroups / fours,
      subgroups,
    },
  ]
}

/** `fn <name>(x, y)`: y = matrix x matrixᵀ, both squares row by row; products with 0 and 1 are left out. */
function squareMap(name: string, matrix: Matrix, type: 'f32' | 'vec4f'): string {
  const [rows, columns] = [matrix.length, matrix[0].length]
  const range = (length: number) => Array.from({ length }, (_, i) => i)
  const combination = (row: readonly number[], term: (k: number) => string) =>
    row
      .map((factor, k) => ({ factor, term: term(k) }))
      .filter(({ factor }) => factor !== 0)
      .map(({ factor, term }) => (factor === 1 ? term : factor === -1 ? `-${term}` : `${f32(factor)} * ${term}`))
      .join(' + ')
  const inner = range(columns).flatMap((c) =>
    matrix.map((row, r) => `  let half_${r}_${c} = ${combination(row, (k) => `(*x)[${k * columns + c}]`)};`),
  )
  const outer = range(rows).flatMap((r) =>
    matrix.map((row, c) => `  (*y)[${r * rows + c}] = ${combination(row, (k) => `half_${r}_${k}`)};`),
  )
  const square = (extent: number) => `ptr<function, array<${type}, ${extent * extent}>>`
  return [`fn ${name}(x: ${square(columns)}, y: ${square(rows)}) {`, ...inner, ...outer, '}'].join('\n')
}
