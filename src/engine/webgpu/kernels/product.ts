import tileCode from '../../../shaders/product-tile.wgsl?raw'
import workgroupCode from '../../../shaders/product-workgroup.wgsl?raw'
import type { PlanOperand, PlanStep } from '../../plan/plan.ts'
import { byteLengthOf } from '../../tensor.ts'
import {
  type AdapterTraits,
  type Binding,
  type Candidate,
  type Dispatch,
  type LoweringContext,
  loadRows,
  storeRows,
} from '../dispatch.ts'
import { epilogueOf } from '../epilogue.ts'

/**
 * Products of many rows with one matrix of weights: pointwise convolutions, whose rows are pixels, and dense layers over sequences. The
 * ways to run them, and the dispatch that each comes to.
 */
export interface ProductWork {
  /** [rows, inner], whatever its shape. */
  readonly x: PlanOperand
  /** [inner, outputs] */
  readonly weights: PlanOperand
  readonly rows: number
  readonly inner: number
  readonly outputs: number
  readonly canBeHalf: boolean
}

/** How a thread's weights come to it. */
type WeightSource = 'storage' | 'uniform' | 'subgroup'

interface Product extends Candidate {
  /** Rows and fours of outputs that a thread has in hand. */
  readonly rows: number
  readonly fours: number
  /** Numbers of a row that are in hand at a time. */
  readonly innerAtOnce: number
  readonly weights: WeightSource | 'workgroup'
  /** Its products are f16. */
  readonly half: boolean
}

/**
 * Rows, fours of outputs at most, and numbers of a row in hand: the first that fits an adapter's kind is its default. Compilers for
 * processors carry all sums through memory from one turn of a loop to the next, so four numbers a turn are worth the code. More sums at once
 * would take lavapipe ten seconds to compile, and SwiftShader gains nothing by them.
 */
const tileSizes = {
  fourLanes: [
    [4, 2, 4],
    [8, 1, 4],
    [4, 4, 4],
  ],
  eightLanes: [
    [4, 4, 4],
    [4, 8, 1],
    [2, 8, 4],
  ],
  hardware: [
    [4, 1, 4],
    [4, 2, 4],
    [8, 1, 4],
  ],
} as const

/** With workgroup memory: a thread's rows and fours, and numbers of a row in hand. */
const workgroupSizes = [
  [4, 1, 16],
  [8, 1, 16],
  [8, 2, 8],
] as const

/** Threads of a workgroup that shares memory, and how many of them stand side by side along the outputs. */
const workgroupLanes = 64
const lanesAcross = 8

/** On processors small workgroups leave few lanes without rows. */
const softwareLanes = 16

/** Sums of so many numbers are cut into slices (see matmul.ts) where there are too few of them to keep an adapter busy. */
const longSum = 256
const fewTiles = { software: 64, hardware: 2048 }

/** Whether there are rows and tiles enough for each thread to have several. */
export function isInTiles({ rows, inner, outputs }: ProductWork, { isSoftware }: AdapterTraits): boolean {
  const tiles = Math.ceil(rows / 4) * Math.ceil(outputs / 4)
  return (
    rows >= 32 &&
    Math.min(inner, outputs) >= 4 &&
    (inner < longSum || tiles >= fewTiles[isSoftware ? 'software' : 'hardware'])
  )
}

/** The ways to run a product, best guess first. */
function waysFor({ inner, outputs, weights, canBeHalf }: ProductWork, adapter: AdapterTraits): Product[] {
  const { isSoftware, lanes, maxUniformBytes } = adapter
  const groups = Math.ceil(outputs / 4)
  const shared: WeightSource[] = lanes > 0 ? ['subgroup'] : []
  const uniform: WeightSource[] = outputs % 4 === 0 && byteLengthOf(weights) <= maxUniformBytes ? ['uniform'] : []
  const sources: WeightSource[] = !isSoftware
    ? [...uniform, 'storage', ...shared]
    : shared.length + uniform.length > 0
      ? [...shared, ...uniform]
      : ['storage']
  const sizes = !isSoftware ? tileSizes.hardware : lanes === 4 ? tileSizes.fourLanes : tileSizes.eightLanes
  const halves = canBeHalf ? [true, false] : [false]
  const ways = new Map<string, Product>()
  const add = (way: Omit<Product, 'name' | 'half'>) => {
    for (const half of halves) {
      const size = `${way.rows}x${4 * way.fours}, ${way.innerAtOnce} at once`
      const name = `product of ${size}, ${way.weights === 'workgroup' ? 'workgroup memory' : way.weights}${half ? ', f16' : ''}`
      ways.set(name, { ...way, name, half })
    }
  }
  if (!isSoftware)
    for (const [rows, fours, innerAtOnce] of workgroupSizes) add({ rows, fours, innerAtOnce, weights: 'workgroup' })
  for (const source of sources)
    for (const [rows, wanted, most] of sizes) {
      const fours = largestDivisor(groups, wanted)
      add({ rows, fours, innerAtOnce: inner % most === 0 ? most : 1, weights: source })
    }
  return [...ways.values()]
}

function largestDivisor(number: number, most: number): number {
  for (let divisor = most; divisor > 1; divisor--) if (number % divisor === 0) return divisor
  return 1
}

export function lowerProduct(step: PlanStep, work: ProductWork, { adapter, choose }: LoweringContext): Dispatch {
  const way = choose(waysFor(work, adapter))
  const { inner, outputs } = work
  const x = loadRows('rows', work.x, inner)
  const matrix = loadRows('matrix', work.weights, outputs)
  const y = storeRows('y', step.outputs[0], outputs)
  const epilogue = epilogueOf(step, outputs)
  const weights: Binding = way.weights === 'uniform' ? { ...matrix.binding, access: 'uniform' } : matrix.binding
  const loadsFours = way.innerAtOnce % 4 === 0
  return {
    kernel: step.kernel,
    bindings: [x.binding, weights, y.binding, ...epilogue.bindings],
    functions: [
      `alias Real = ${way.half ? 'f16' : 'f32'};`,
      'alias Four = vec4<Real>;',
      x.functions,
      matrix.functions,
      y.functions,
      `fn load_fours(row: u32, k: u32) -> vec4f { return ${loadsFours ? 'load_rows4(row, k / 4u)' : 'vec4f(load_rows(row, k), vec3f(0.0))'}; }
fn weight4(k: u32, four: u32) -> vec4f { return load_matrix4(k, four); }
fn row_count() -> u32 { return arrayLength(&y) / ${outputs % 4 === 0 ? outputs / 4 : outputs}u; }`,
      ...epilogue.functions,
    ],
    half: way.half,
    ...(way.weights === 'workgroup' ? inWorkgroups(work, way) : inThreads(work, way, adapter)),
  }
}

/** A lowered product's own share of a dispatch. */
type Launch = Pick<Dispatch, 'code' | 'constants' | 'threads' | 'layers' | 'workgroupSize' | 'subgroups'>

function inThreads({ rows, inner, outputs }: ProductWork, way: Product, { lanes, isSoftware }: AdapterTraits): Launch {
  const subgroups = way.weights === 'subgroup'
  return {
    code: tileCode,
    constants: {
      K: inner,
      K_AT_ONCE: way.innerAtOnce,
      TILE_ROWS: way.rows,
      FOURS: way.fours,
      PARTIALS: way.half ? way.rows * way.fours : 1,
      HALF: way.half,
      SUBGROUP: subgroups,
      LANES: Math.max(lanes, 1),
      PACKED: subgroups ? Math.ceil((way.innerAtOnce * way.fours) / lanes) : 1,
    },
    threads: Math.ceil(rows / way.rows),
    layers: Math.ceil(outputs / 4) / way.fours,
    ...(isSoftware && { workgroupSize: softwareLanes }),
    subgroups,
  }
}

function inWorkgroups({ rows, inner, outputs }: ProductWork, way: Product): Launch {
  const foursAcross = way.fours * lanesAcross
  const tileRows = (way.rows * workgroupLanes) / lanesAcross
  const groups = Math.ceil(outputs / 4)
  return {
    code: workgroupCode,
    constants: {
      K: inner,
      K_AT_ONCE: way.innerAtOnce,
      TILE_ROWS: tileRows,
      LANE_ROWS: way.rows,
      FOURS_ACROSS: foursAcross,
      LANE_FOURS: way.fours,
      OUTPUT_GROUPS: groups,
      PARTIALS: way.half ? way.rows * way.fours : 1,
      HALF: way.half,
    },
    threads: Math.ceil(rows / tileRows) * workgroupLanes,
    layers: Math.ceil(groups / foursAcross),
    workgroupSize: workgroupLanes,
  }
}
