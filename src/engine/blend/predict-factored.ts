import type { CompiledModel, LongCallOptions, Predictions } from '../model/compiled.ts'
import { onlyInput } from '../model/network.ts'
import { isSigmoid, isSoftmax } from '../model/output-activation.ts'
import { binaryOperations } from '../ops/elementwise.ts'
import { gather } from '../ops/gather.ts'
import { reshape } from '../ops/reshape.ts'
import { softmaxRow } from '../ops/softmax.ts'
import type { AbortSignal } from '../platform/types.ts'
import { Constant, Input, Resident, sizeOf, type Tensor } from '../tensor.ts'
import type { BlendedImages, BlendRequest } from './blend-request.ts'
import { chainBetween, continueChain, type Ending, type FactoredChain, factorChain } from './factor-chain.ts'
import { factoredBlend, rowsOfSamples } from './factored-images.ts'
import { type FoldedTables, foldTables, joinTables, sumTables } from './folded-tables.ts'
import { SegmentPatterns } from './segment-patterns.ts'

/**
 * Predictions for many mixtures of two images by what they have in common: each layer is computed once for each pixel and
 * pattern of the segments that it sees there, instead of once for each sample.
 */

/**
 * Of all pixels of all samples, the share of rows up to which a layer is done by rows: measured on `cpu`, with the tutorial's network
 * and one with pooling, 4 to 196 segments and 200 and 1,000 samples. Beyond, a row costs more than the ten pixels of whole images
 * that it stands for: its patterns are walked and its inputs gathered, and Winograd's products are fewer.
 */
const densestRows = 0.1

/** Rows of a layer at once: a quarter of a gigabyte of what the tutorial's convolutions gather. */
const mostRowsAtOnce = 2 ** 17

interface Factored extends FactoredChain {
  /** Of the images, [rows, channels]. */
  readonly values: Float32Array
}

/**
 * The rows of a network's last local layer, as far as the patterns' samples ask for them.
 * @returns null where that would not pay, or the network is not a chain of layers
 */
async function computeRows(
  compiled: CompiledModel,
  request: Pick<BlendRequest, 'image' | 'fudged' | 'segments'>,
  patterns: SegmentPatterns,
  mostRows: (pixels: number) => number,
  signal: AbortSignal | undefined,
): Promise<Factored | null> {
  const { device, network } = compiled
  const { shape } = onlyInput(network)
  const { source, chain } = chainFor(compiled, 1)
  if (!chain) return null
  const blend = factoredBlend(request, shape, patterns)
  const limit = (pixels: number) => Math.min(mostRowsAtOnce, mostRows(pixels))
  const factored = factorChain(chain, source, blend, patterns, limit)
  if (!factored) return null
  signal?.throwIfAborted()
  const key = `factored:${factored.capacities}`
  const plan = compiled.planOnce(key, () => factored.graph)
  if (plan.largestOperandBytes > device.maxBlockBytes) return null
  const program = await compiled.occasionalProgram(key, plan)
  const [{ rows }] = await compiled.runAll(program, 1, () => factored.inputs)
  return { ...factored, values: rows instanceof Float32Array ? rows : new Float32Array(rows) }
}

/** The network's operations for so many images; null where they are no chain. */
function chainFor(compiled: CompiledModel, images: number): { source: Input; chain: Tensor[] | null } {
  const source = new Input('x', [images, ...onlyInput(compiled.network).shape])
  return { source, chain: chainBetween(source, compiled.forward(source)) }
}

/**
 * The network's last operations, as many as `rest` has, for the images of `x`. They are asked of the network anew: what an operation is
 * told may count images.
 */
function continueNetwork(compiled: CompiledModel, rest: readonly Tensor[], x: Tensor): Tensor {
  const { source, chain } = chainFor(compiled, x.shape[0])
  if (!chain) throw new Error(`blend: the network is a chain for one image, but not for ${x.shape[0]}`)
  const first = chain.length - rest.length
  return continueChain(chain.slice(first), first === 0 ? source : chain[first - 1], x)
}

/** @returns the samples' predictions; null where factoring would not pay, or the network is not a chain of layers */
export async function predictFactored(
  compiled: CompiledModel,
  request: BlendRequest,
  options: LongCallOptions,
): Promise<Predictions | null> {
  const { masks, count, segmentCount } = request
  const patterns = new SegmentPatterns({ masks, count, segmentCount })
  const mostRows = (pixels: number) => count * pixels * densestRows
  const factored = await computeRows(compiled, request, patterns, mostRows, options.signal)
  if (!factored) return null
  if (factored.ending.kind === 'images') {
    const predictions = await predictImages(compiled, factored, patterns, count, options)
    return { ...predictions, flops: factored.flops + predictions.flops }
  }
  const { tables, before, rest } = await foldEnding(compiled, factored, factored.ending, patterns)
  const { units } = tables
  const joined = joinTables(tables, patterns, count)
  const folding = 2 * factored.images.rows * factored.channels * (factored.ending.kind === 'product' ? units : 1)
  const flops = factored.flops + folding + count * joined.tables.length * units
  const [table] = joined.tables
  const predictions =
    joined.tables.length === 1 && isOneSoftmax(rest)
      ? predictTable(table.values, units, patterns.patternsOfSamples(table.set))
      : await predictSums(compiled, sumTables(joined, patterns, count), units, { before, rest }, options)
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
 * @returns null where the network is something else than local layers, a dense one and a softmax or sigmoid, or where its receptive fields
 * touch so many segments that there are too many mixtures to compute
 */
export async function tabulateFactored(
  compiled: CompiledModel,
  request: BlendedImages,
  { signal }: { readonly signal?: AbortSignal },
): Promise<BlendTables | null> {
  const patterns = new SegmentPatterns(null)
  const factored = await computeRows(compiled, request, patterns, () => mostRowsAtOnce, signal)
  if (!factored || factored.ending.kind === 'images') return null
  const { tables, rest } = await foldEnding(compiled, factored, factored.ending, patterns)
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

/** The rest of the network sees whole images again, made of rows. */
function predictImages(
  compiled: CompiledModel,
  { images, last, channels, ending, values }: Factored,
  patterns: SegmentPatterns,
  count: number,
  options: LongCallOptions,
): Promise<Predictions> {
  const capacity = values.length / channels
  const shape = last.shape.slice(1)
  return compiled.inChunks(count, options, {
    key: `images:${ending.rest.length}:${capacity}`,
    graph: (batch) => {
      const at = new Input('at', [batch * images.sets.length], 'i32')
      const x = reshape(gather(new Input('rows', [capacity, channels]), at), [batch, ...shape])
      return { outputs: { y: continueNetwork(compiled, ending.rest, x) } }
    },
    inputs: (first, batch) => ({ rows: values, at: rowsOfSamples(images, patterns, first, batch) }),
  })
}

interface Rest {
  /** The operation before it. */
  readonly before: Tensor
  readonly rest: readonly Tensor[]
}

/** The tables of a linear ending and of the biases that follow it. */
async function foldEnding(
  compiled: CompiledModel,
  { images, channels, values }: Factored,
  ending: Exclude<Ending, { kind: 'images' }>,
  patterns: SegmentPatterns,
): Promise<Rest & { readonly tables: FoldedTables }> {
  const contraction =
    ending.kind === 'product' ? { ...ending, kernel: await valuesOf(compiled, ending.kernel) } : ending
  const tables = foldTables(images, values, channels, contraction, patterns)
  const { units } = tables
  let { rest, before } = ending
  for (let node = rest.at(0); node?.operation.name === binaryOperations.add.name; node = rest.at(0)) {
    const bias = node.inputs.find((input) => input !== before)
    if (!(bias instanceof Resident || bias instanceof Constant) || sizeOf(bias.shape) !== units) break
    const added = await valuesOf(compiled, bias)
    // Every sample sees a row of the first table.
    const [first] = tables.tables
    for (let i = 0; i < first.values.length; i++) first.values[i] += added[i % units]
    rest = rest.slice(1)
    before = node
  }
  return { tables, before, rest }
}

/** What follows the tables' sums [count, units]: a softmax on the host, anything else on the device. */
async function predictSums(
  compiled: CompiledModel,
  sums: Float64Array,
  units: number,
  { before, rest }: Rest,
  options: LongCallOptions,
): Promise<Predictions> {
  const count = sums.length / units
  const normalises = isOneSoftmax(rest)
  if (normalises) for (let row = 0; row < sums.length; row += units) softmaxRow(sums, sums, row, units)
  if (normalises || rest.length === 0) {
    const data = new Float32Array(sums.length)
    for (let i = 0; i < sums.length; i++) data[i] = sums[i]
    return { data, shape: [count, units], flops: normalises ? softmaxFlops * sums.length : 0 }
  }
  const shape = before.shape.slice(1)
  return compiled.inChunks(count, options, {
    key: `sums:${rest.length}`,
    graph: (batch) => ({
      outputs: { y: continueNetwork(compiled, rest, new Input('sums', [batch, ...shape])) },
    }),
    inputs: (first, batch) => {
      const chunk = new Float32Array(batch * units)
      chunk.set(sums.subarray(first * units, (first + batch) * units))
      return { sums: chunk }
    },
  })
}

/** Numbers that the graph knows, or that the model has learned. */
async function valuesOf(compiled: CompiledModel, tensor: Tensor): Promise<ArrayLike<number>> {
  if (tensor instanceof Resident) return compiled.parameterValues(tensor)
  const { values } = tensor as Constant
  return typeof values === 'number' ? new Float64Array(sizeOf(tensor.shape)).fill(values) : values
}
