import type { WindowAttributes } from '../ops/window.ts'
import type { Tensor } from '../tensor.ts'
import { type FactoredImages, joinedImages, pixelByPixel, walkedImages } from './factored-images.ts'
import { foldingFlops, type LinearEnding, linearEnding } from './linear-ending.ts'
import { type LocalOperation, localOperation } from './local-operations.ts'
import { type Operations, sourcePosition } from './operations-between.ts'
import type { SegmentPatterns } from './segment-patterns.ts'
import { gatherWork, pixelsARow, rowBytes, rowWork, wholeWork, workAFoldedNumber } from './sharing-work.ts'

/**
 * Which of a network's operations are computed once for each pixel and pattern of segments, and which for each sample. Terms:
 * - factored operation: one that is local, as are those before it, and makes few enough rows.
 * - cut: all factored operations before a position are done by rows, everything else for each sample.
 * - frontier: what is done by rows and read by what is not: it becomes whole images, gathered from rows, or, where what follows is
 *   linear over all pixels, small tables.
 */

export interface FactoredOperation extends LocalOperation {
  readonly node: Tensor
  readonly position: number
  readonly images: FactoredImages
  /** Of its inputs, in their order; null of those that do not depend on the network's. */
  readonly seen: readonly (FactoredImages | null)[]
}

export interface Cut {
  /** Done by rows, in the order of the network. */
  readonly factored: readonly FactoredOperation[]
  readonly frontier: readonly FrontierTensor[]
  /** What the frontier's one tensor is followed by, where that makes tables. */
  readonly ending: LinearEnding | null
}

export interface FrontierTensor {
  readonly position: number
  /** Of one image. */
  readonly tensor: Tensor
  readonly images: FactoredImages
}

/** How many rows an operation may have at most, where each costs as much as so many pixels of whole images. */
export type MostRows = (node: Tensor, pixelsARow: number) => number

/** Where rows are made of rows pixel by pixel, and of other segments each: they gain nothing, but may be what rows behind them gain by. */
const pixelsAJoinedRow = 2

/** Counts the rows of every operation, as far as that can be done by rows. By position; null for those that can't. */
export function factorOperations(
  { source, nodes }: Operations,
  images: FactoredImages,
  patterns: SegmentPatterns,
  mostRows: MostRows,
): (FactoredOperation | null)[] {
  const dependent = new Set<Tensor>([source, ...nodes])
  const known = new Map<Tensor, FactoredImages>([[source, images]])
  return nodes.map((node, position) => {
    const seen = node.inputs.map((input) => known.get(input) ?? null)
    if (node.inputs.some((input, i) => dependent.has(input) && !seen[i])) return null
    const local = localOperation(node, (input) => dependent.has(input))
    if (!local) return null
    const given = seen.filter((one) => one !== null)
    const made = local.walk
      ? walkedImages(given[0], local.walk, patterns, mostRows(node, pixelsARow(node, local.walk)))
      : joinedImages(given, patterns, mostRows(node, pixelsAJoinedRow))
    if (!made) return null
    known.set(node, made)
    return { ...local, node, position, images: made, seen }
  })
}

/** The window by which rows are gathered; null where they are taken as they are. */
function walkOf({ images, seen, walk }: FactoredOperation): WindowAttributes | null {
  return seen.every((from) => from === null || from === images) ? null : (walk ?? pixelByPixel(images))
}

/** Bytes of the frontier's rows at most: they are given to each chunk of samples. */
const mostFrontierBytes = 2 ** 26

/** Of the work for whole images, the share that sharing may cost at most. */
const mostWork = 0.95

/** The cut that costs least, counted for so many samples; null where sharing does not pay. */
export function cheapestCut(
  operations: Operations,
  images: FactoredImages,
  factored: readonly (FactoredOperation | null)[],
  samples: number,
): Cut | null {
  const whole = operations.nodes.map((node) => samples * wholeWork(node))
  let best: Cut | null = null
  let least = whole.reduce((sum, work) => sum + work, 0) * mostWork
  for (const cut of cutsOf(operations, images, factored)) {
    const work = workOf(cut, whole, samples)
    const bytes = cut.frontier.reduce((sum, { tensor, images }) => sum + rowBytes(tensor) * images.rows, 0)
    // Of equals the last: rows are fewer than pixels.
    if (work > least || (bytes > mostFrontierBytes && !cut.ending)) continue
    best = cut
    least = work
  }
  return best
}

/** The first cut that a linear function of all pixels follows, whatever it costs. */
export function cutAtEnding(
  operations: Operations,
  images: FactoredImages,
  factored: readonly (FactoredOperation | null)[],
): Cut | null {
  for (const cut of cutsOf(operations, images, factored)) if (cut.ending) return cut
  return null
}

/** Every cut behind a factored operation; and before one that makes tables, with and without them. */
function* cutsOf(
  { source, nodes }: Operations,
  images: FactoredImages,
  factored: readonly (FactoredOperation | null)[],
): Generator<Cut> {
  const lastRead = lastReads({ source, nodes }, factored)
  const input = { position: sourcePosition, tensor: source, images }
  const done: FactoredOperation[] = []
  for (let end = 0; end <= nodes.length; end++) {
    const operation = end > 0 ? factored[end - 1] : null
    if (operation) done.push(operation)
    else if (end > 0) continue
    const frontier = [input, ...done.map(({ node, ...rest }) => ({ ...rest, tensor: node }))].filter(
      ({ position }) => (lastRead.get(position) ?? 0) >= end,
    )
    const isOne = frontier.length === 1 && frontier[0].position === end - 1
    const ending = isOne ? linearEnding({ source, nodes }, end) : null
    if (ending) yield { factored: [...done], frontier, ending }
    if (operation) yield { factored: [...done], frontier, ending: null }
  }
}

/**
 * The last position where each tensor is read, by its own; the end of the network for what is read by an operation that is not factored, and
 * for the result, which is asked for.
 */
function lastReads(
  { source, nodes }: Operations,
  factored: readonly (FactoredOperation | null)[],
): ReadonlyMap<number, number> {
  const positions = new Map<Tensor, number>([[source, sourcePosition], ...nodes.map((node, i) => [node, i] as const)])
  const lastRead = new Map<number, number>([[nodes.length - 1, nodes.length]])
  for (const [reader, node] of nodes.entries())
    for (const input of node.inputs) {
      const position = positions.get(input)
      if (position === undefined) continue
      const at = factored[reader] ? reader : nodes.length
      lastRead.set(position, Math.max(lastRead.get(position) ?? 0, at))
    }
  return lastRead
}

/** @param whole what each operation costs for all samples */
function workOf({ factored, frontier, ending }: Cut, whole: readonly number[], samples: number): number {
  const byRows = new Set(factored.map(({ position }) => position))
  const first = ending ? ending.position + 1 : 0
  let work = 0
  for (let position = first; position < whole.length; position++) if (!byRows.has(position)) work += whole[position]
  for (const operation of factored) work += operation.images.rows * rowWork(operation.node, walkOf(operation))
  if (ending) return work + workAFoldedNumber * foldingFlops(ending, frontier[0].images, frontier[0].tensor.shape[3])
  return frontier.reduce((sum, { tensor }) => sum + samples * gatherWork(tensor), work)
}
