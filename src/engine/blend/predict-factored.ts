import type { HostArray, Memory } from '../device.ts'
import type { ChunkOptions, CompiledModel, Predictions } from '../model/compiled.ts'
import { onlyInput } from '../model/network.ts'
import { isForOnce, type Tables } from '../model/occasional-programs.ts'
import { isSigmoid, isSoftmax } from '../model/output-activation.ts'
import { gather } from '../ops/gather.ts'
import { reshape } from '../ops/reshape.ts'
import { softmaxRow } from '../ops/softmax.ts'
import type { Plan } from '../plan/plan.ts'
import type { AbortSignal } from '../platform/types.ts'
import { Input, Resident, sizeOf, type Tensor } from '../tensor.ts'
import type { BlendedImages, BlendRequest } from './blend-request.ts'
import { factoredBlend, rowsOfSamples } from './factored-images.ts'
import { type Cut, cheapestCut, cutAtEnding, factorOperations, type MostRows } from './factored-operations.ts'
import { foldTables, joinTables, sumTables } from './folded-tables.ts'
import { foldingFlops, type LinearEnding } from './linear-ending.ts'
import { type Tabulated, tabulateLinear, valuesOf } from './linear-operations.ts'
import { areAlike, continueFrom, type Operations, operationsBetween, sourcePosition } from './operations-between.ts'
import { mostForNothing, type RowsGraph, rowsGraph } from './rows-graph.ts'
import { SegmentPatterns } from './segment-patterns.ts'
import { pixelsOf, rowBytes } from './sharing-work.ts'

/**
 * Predictions for many mixtures of two images by what they have in common: each operation is computed once for each pixel and
 * pattern of the segments that it sees there, instead of once for each sample, as far as that pays. What follows is summed up into
 * tables if it is linear over the pixels, else done image by image.
 */

/** Rows of an operation at most, as their patterns are walked on the host, and their bytes. */
const mostRowsAtOnce = 2 ** 17
const mostRowBytes = 2 ** 27

/** What is shared, and how it is computed. */
interface Factored {
  readonly operations: Operations
  readonly cut: Cut
  readonly graph: RowsGraph
  /** The rows of the two images, [2 · H · W, channels]. */
  readonly pixels: Float32Array
}

/** What samples share of a request, and what is done with it. */
interface Sharing {
  readonly patterns: SegmentPatterns
  readonly mostRows: MostRows
  readonly choose: typeof cutAtEnding
}

/**
 * What of a network is worth to be computed by rows, as far as the patterns' samples ask for them.
 * @returns null where sharing would not pay, or can't be done
 */
function factor(
  compiled: CompiledModel,
  request: BlendedImages,
  { patterns, mostRows, choose }: Sharing,
  signal: AbortSignal | undefined,
): Factored | null {
  const { device, network } = compiled
  const { operations, holdsForMany } = operationsOfOneImage(compiled)
  const blend = factoredBlend(request, onlyInput(network).shape, patterns)
  const mostBytes = Math.min(mostRowBytes, device.maxBlockBytes)
  const limit: MostRows = (node, worth) =>
    Math.min(mostRowsAtOnce, mostBytes / (rowBytes(node) * mostForNothing), mostRows(node, worth))
  const cut = choose(operations, blend.images, factorOperations(operations, blend.images, patterns, limit))
  if (!cut || !holdsForMany) return null
  signal?.throwIfAborted()
  return { operations, cut, graph: rowsGraph(cut, operations.source, blend, patterns), pixels: blend.pixels }
}

/** The plan that computes rows, if any have to be. */
interface RowsPlan {
  readonly key: string
  readonly plan: Plan
}

/** @returns 'refused' where the device has no room for the rows; null where the images' own are all there are */
function rowsPlan(compiled: CompiledModel, { graph }: Factored): RowsPlan | 'refused' | null {
  const outputs = [...graph.rows].filter(([position]) => position !== sourcePosition)
  if (outputs.length === 0) return null
  const key = `factored:${graph.key}`
  const named = Object.fromEntries(outputs.map(([position, rows]) => [`rows${position}`, rows]))
  const plan = compiled.planOnce(key, () => ({ outputs: named }))
  return plan.largestOperandBytes > compiled.device.maxBlockBytes ? 'refused' : { key, plan }
}

/** Of each tensor of the frontier the rows, [capacity, …]. */
async function readRows(
  compiled: CompiledModel,
  { cut: { frontier }, graph, pixels }: Factored,
  rows: RowsPlan | null,
): Promise<Float32Array[]> {
  const [results] = rows ? await compiled.runOccasional(rows.key, rows.plan, graph.inputs) : [{}]
  const known: Readonly<Record<string, HostArray>> = { [`rows${sourcePosition}`]: pixels, ...results }
  return frontier.flatMap(({ position }) => {
    const values = known[`rows${position}`]
    return values ? [values instanceof Float32Array ? values : new Float32Array(values)] : []
  })
}

interface OneImage {
  readonly operations: Operations
  /** Whether what is found by positions holds for any number of images. */
  readonly holdsForMany: boolean
}

/** The same for every explanation. */
const ofOneImage = new WeakMap<CompiledModel, OneImage>()

function operationsOfOneImage(compiled: CompiledModel): OneImage {
  const known = ofOneImage.get(compiled)
  if (known) return known
  const operations = operationsFor(compiled, 1)
  const found = { operations, holdsForMany: areAlike(operations, operationsFor(compiled, 2)) }
  ofOneImage.set(compiled, found)
  return found
}

/** The network's operations for so many images. They are asked of it anew: what an operation is told may count images. */
function operationsFor(compiled: CompiledModel, images: number): Operations {
  const source = new Input('x', [images, ...onlyInput(compiled.network).shape])
  return operationsBetween(source, compiled.forward(source))
}

/** @returns the samples' predictions; null where sharing would not pay, or the network's first operations are not local */
export async function predictFactored(
  compiled: CompiledModel,
  request: BlendRequest,
  options: ChunkOptions,
): Promise<Predictions | null> {
  const { masks, count, segmentCount } = request
  const patterns = new SegmentPatterns({ masks, count, segmentCount })
  const sharing: Sharing = {
    patterns,
    mostRows: (node, worth) => (count * pixelsOf(node)) / worth,
    choose: (operations, images, factored) => cheapestCut(operations, images, factored, count),
  }
  const factored = factor(compiled, request, sharing, options.signal)
  const rows = factored && rowsPlan(compiled, factored)
  if (!factored || rows === 'refused') return null
  const { operations, cut, graph } = factored
  const { ending } = cut
  if (!ending) {
    const predictions = await predictImages(compiled, factored, rows, { patterns, count, options })
    return { ...predictions, flops: graph.flops + predictions.flops }
  }
  const values = await readRows(compiled, factored, rows)
  const { tables, position, flops: folding } = await foldEnding(compiled, factored, values, ending, patterns)
  const { units } = tables
  const joined = joinTables(tables, patterns, count)
  const flops = graph.flops + folding + count * joined.tables.length * units
  const [table] = joined.tables
  const predictions =
    joined.tables.length === 1 && isOneSoftmax(operations.nodes.slice(position + 1))
      ? predictTable(table.values, units, patterns.patternsOfSamples(table.set))
      : await predictSums(compiled, sumTables(joined, patterns, count), units, operations, position, options)
  options.onProgress?.(count, count)
  return { ...predictions, flops: flops + predictions.flops }
}

function isOneSoftmax(rest: readonly Tensor[]): boolean {
  return rest.length === 1 && isSoftmax(rest[0])
}

/** One number a mixture, squashed into the probability of the second of two classes. */
function isOneSigmoid(rest: readonly Tensor[], units: number): boolean {
  return units === 1 && rest.length === 1 && isSigmoid(rest[0])
}

/** sigmoid(z) and what is missing to 1 are the softmax of -z/2 and z/2. @param values [rows, 1] */
function logitsOfBothClasses(values: Float64Array): Float64Array {
  const logits = new Float64Array(2 * values.length)
  values.forEach((value, row) => {
    logits[2 * row] = -value / 2
    logits[2 * row + 1] = value / 2
  })
  return logits
}

/** Where one table knows all there is to know, a sample has its row's probabilities. */
function predictTable(values: Float64Array, units: number, rows: Int32Array): Predictions {
  for (let row = 0; row < values.length; row += units) softmaxRow(values, values, row, units)
  const data = new Float32Array(rows.length * units)
  for (let sample = 0, to = 0; sample < rows.length; sample++)
    for (let from = rows[sample] * units, end = from + units; from < end; from++, to++) data[to] = values[from]
  return { data, shape: [rows.length, units], flops: softmaxFlops * values.length }
}

/** As the operation counts itself. */
const softmaxFlops = 5

/**
 * The logits of all mixtures of two images, [2^k, units] for each of a few sets of segments. A network that ends in one sigmoid has
 * two classes.
 * @returns null where the network is something else than local operations, a linear function of all pixels and a softmax or sigmoid, or
 * where its receptive fields touch so many segments that there are too many mixtures to compute
 */
export async function tabulateFactored(
  compiled: CompiledModel,
  request: BlendedImages,
  { signal }: { readonly signal?: AbortSignal },
): Promise<BlendTables | null> {
  const patterns = new SegmentPatterns(null)
  const sharing: Sharing = { patterns, mostRows: () => mostRowsAtOnce, choose: cutAtEnding }
  const factored = factor(compiled, request, sharing, signal)
  const rows = factored && rowsPlan(compiled, factored)
  if (!factored?.cut.ending || rows === 'refused') return null
  const values = await readRows(compiled, factored, rows)
  const { tables, position } = await foldEnding(compiled, factored, values, factored.cut.ending, patterns)
  const rest = factored.operations.nodes.slice(position + 1)
  const isBinary = isOneSigmoid(rest, tables.units)
  if (!isBinary && !isOneSoftmax(rest)) return null
  return {
    classes: isBinary ? 2 : tables.units,
    tables: tables.tables.map(({ set, values }) => ({
      segments: patterns.segmentsOf(set),
      values: isBinary ? logitsOfBothClasses(values) : values,
    })),
  }
}

/** Logits of every mixture of two images: the sum of one row of each table, bit j of its number for segments[j] shown. */
export interface BlendTables {
  readonly classes: number
  readonly tables: readonly { readonly segments: readonly number[]; readonly values: Float64Array }[]
}

/** Samples of which each is asked for by the rows that its pixels have. */
interface Samples {
  readonly patterns: SegmentPatterns
  readonly count: number
  readonly options: ChunkOptions
}

/** Where rows are for the rest of the network: a block of residents for each tensor of the frontier. */
interface PlacedRows {
  readonly places: readonly { readonly block: string; readonly offset: number; readonly rows: number }[]
  readonly tables?: Tables
  readonly blocks?: Readonly<Record<string, Memory>>
}

/**
 * The rest of the network sees whole images again, made of rows. Those of a photograph are the most there is in memory: they stay where
 * they were made.
 */
async function predictImages(
  compiled: CompiledModel,
  factored: Factored,
  rows: RowsPlan | null,
  samples: Samples,
): Promise<Predictions> {
  const { frontier } = factored.cut
  const names = frontier.map(({ position }) => `rows${position}`)
  const staysPut = rows && isForOnce(rows.plan) && frontier.every(({ position }) => position !== sourcePosition)
  if (!staysPut) {
    const values = await readRows(compiled, factored, rows)
    const places = frontier.map(({ tensor }, i) => ({
      block: names[i],
      offset: 0,
      rows: values[i].length / widthOf(tensor),
    }))
    const tables = Object.fromEntries(names.map((name, i) => [name, values[i]]))
    return predictPlaced(compiled, factored, { places, tables }, samples)
  }
  const { key, plan } = rows
  return compiled.once(key, plan, {}, async (program) => {
    await compiled.run(program, factored.graph.inputs)
    const made = names.map((name) => program.outputs[name])
    const places = made.map(({ operand: { offset, shape } }, i) => ({ block: names[i], offset, rows: shape[0] }))
    const blocks = Object.fromEntries(names.map((name, i) => [name, made[i].memory]))
    return predictPlaced(compiled, factored, { places, blocks }, samples)
  })
}

const widthOf = ({ shape }: Tensor) => sizeOf(shape.slice(3))

function predictPlaced(
  compiled: CompiledModel,
  { cut: { frontier, factored } }: Factored,
  { places, tables, blocks }: PlacedRows,
  { patterns, count, options }: Samples,
): Promise<Predictions> {
  // Tensors of the same images find their rows alike.
  const images = [...new Set(frontier.map((tensor) => tensor.images))]
  const parts = frontier.map((part, i) => ({ ...part, ...places[i], at: images.indexOf(part.images) }))
  const words = parts.map(({ position, rows, at, offset }) => [position, rows, at, offset])
  return compiled.inChunks(count, options, {
    key: `images:${factored.map(({ position }) => position)}:${words}`,
    isOccasional: true,
    graph: (batch) => {
      const at = images.map(({ sets }, i) => new Input(`at${i}`, [batch * sets.length], 'i32'))
      const known = parts.map(({ position, tensor, block, offset, rows, at: own }) => {
        const whole = gather(new Resident(block, offset, [rows, widthOf(tensor)]), at[own])
        return [position, reshape(whole, [batch, ...tensor.shape.slice(1)])] as const
      })
      return { outputs: { y: continueFrom(operationsFor(compiled, batch), new Map(known)) } }
    },
    tables,
    blocks,
    inputs: (first, batch) =>
      Object.fromEntries(images.map((one, i) => [`at${i}`, rowsOfSamples(one, patterns, first, batch)])),
  })
}

/** The tables of a linear ending and of the linear operations that follow it. */
async function foldEnding(
  compiled: CompiledModel,
  { operations, cut }: Factored,
  rows: readonly Float32Array[],
  ending: LinearEnding,
  patterns: SegmentPatterns,
): Promise<Tabulated> {
  const [{ images, tensor }] = cut.frontier
  const channels = tensor.shape[3]
  const contraction =
    ending.kind === 'product' ? { ...ending, kernel: await valuesOf(compiled, ending.kernel) } : ending
  const tables = foldTables(images, rows[0], channels, contraction, patterns)
  const flops = foldingFlops(ending, images, channels)
  return tabulateLinear(compiled, operations, { tables, position: ending.position, flops })
}

/** What follows the tables' sums [count, units]: a softmax on the host, anything else on the device. */
async function predictSums(
  compiled: CompiledModel,
  sums: Float64Array,
  units: number,
  { nodes }: Operations,
  position: number,
  options: ChunkOptions,
): Promise<Predictions> {
  const count = sums.length / units
  const rest = nodes.slice(position + 1)
  const normalises = isOneSoftmax(rest)
  if (normalises) for (let row = 0; row < sums.length; row += units) softmaxRow(sums, sums, row, units)
  if (normalises || rest.length === 0) {
    const data = new Float32Array(sums.length)
    for (let i = 0; i < sums.length; i++) data[i] = sums[i]
    return { data, shape: [count, units], flops: normalises ? softmaxFlops * sums.length : 0 }
  }
  const shape = nodes[position].shape.slice(1)
  return compiled.inChunks(count, options, {
    key: `sums:${position}`,
    graph: (batch) => {
      const known = new Map([[position, new Input('sums', [batch, ...shape])]])
      return { outputs: { y: continueFrom(operationsFor(compiled, batch), known) } }
    },
    inputs: (first, batch) => {
      const chunk = new Float32Array(batch * units)
      chunk.set(sums.subarray(first * units, (first + batch) * units))
      return { sums: chunk }
    },
  })
}
