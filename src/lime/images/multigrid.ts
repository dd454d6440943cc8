import { type Steps, stepSize } from '../steps.ts'

/**
 * Multigrid for Laplace's equation inside the segments of a picture: what relaxation takes hundreds of sweeps to carry across a
 * segment, a coarser grid carries in one.
 *
 * A cell's equation: its value times `diagonal`, less its neighbours' values times their weights, is what the pixels around its segment
 * give it. On the finest level cells are pixels. A cell of the next one is what a segment has in a block of two by two; its equation
 * is the sum of theirs divided by `stiffness`. So a cell has at most four neighbours on every level, and those to the left and above
 * come before it.
 */
interface Equations {
  readonly cells: number
  /** [cells * 4]: to the left, above, to the right, below; the cell itself where its segment has none. */
  readonly neighbours: Int32Array
  /** [cells * 4]; 0 where there is no neighbour. */
  readonly weights: Float64Array
  /** [cells]: its weights' sum, and what ties it to the pixels around the segment. */
  readonly diagonal: Float64Array
}

interface Level extends Equations {
  /** [cells]: in which cell of the next level each is; on the coarsest nothing. */
  readonly coarse: Int32Array
  /** [cells]: 1 / diagonal. */
  readonly inverse: Float64Array
  /** [cells]: the equations' right side, and what solves them, while a cycle is here. */
  readonly right: Float64Array
  readonly values: Float64Array
}

/** A level's cells in raster order of their blocks. */
interface Blocks {
  readonly rows: number
  readonly columns: number
  /** [rows * columns + 1]: where the cells of each block begin. */
  readonly start: Int32Array
  /** [cells]: each one's segment. */
  readonly segments: Int32Array
}

const sides = 4

/**
 * How much too stiff a surface is whose values are the same all over a block (Braess, "Towards algebraic multigrid for elliptic
 * problems of second order", Computing 1995). With 1.6, 1.8, 2 and 2.2 fifty segments of 224x224 pixels take 14, 14, 16 and 21 cycles.
 */
const stiffness = 1.8

/** Does what is to be done of 0 to count in pieces that take about as long as a step. `cost`: additions for each of them. */
export function* inPieces(
  count: number,
  cost: number,
  work: (from: number, to: number) => void,
  order: 'forward' | 'backward' = 'forward',
): Steps<void> {
  const size = Math.max(1, Math.floor(stepSize / cost))
  const pieces = Math.ceil(count / size)
  for (let done = 0; done < pieces; done++) {
    const from = (order === 'forward' ? done : pieces - 1 - done) * size
    work(from, Math.min(count, from + size))
    yield
  }
}

/** The equations of a picture's segments on grids of all sizes. */
export class Multigrid {
  private constructor(private readonly levels: readonly Level[]) {}

  /**
   * @param segments [height * width], of each pixel, from 0 on
   * @param segmentCount at least 2: the pixels of one alone have nothing around them
   */
  static *of(segments: Int32Array, segmentCount: number, height: number, width: number): Steps<Multigrid> {
    const start = Int32Array.from({ length: segments.length + 1 }, (_, pixel) => pixel)
    let blocks: Blocks = { rows: height, columns: width, start, segments }
    let equations = yield* ofPixels(segments, height, width)
    const levels: Level[] = []
    for (;;) {
      const { cells, weights, diagonal } = equations
      // Where no cell has a neighbour a sweep solves all equations.
      const isCoarsest = weights.every((weight) => weight === 0)
      const coarse = new Int32Array(isCoarsest ? 0 : cells)
      const inverse = diagonal.map((own) => 1 / own)
      levels.push({ ...equations, inverse, coarse, right: new Float64Array(cells), values: new Float64Array(cells) })
      if (isCoarsest) return new Multigrid(levels)
      blocks = yield* coarserBlocks(blocks, segmentCount, coarse)
      equations = yield* coarserEquations(equations, coarse, blocks.segments.length)
    }
  }

  /** The left sides of the pixels' equations. @param values [pixels]. @param result [pixels] */
  *leftSides(values: Float64Array, result: Float64Array): Steps<void> {
    const [pixels] = this.levels
    yield* inPieces(pixels.cells, 2 * sides, (from, to) => leftSides(pixels, values, result, from, to))
  }

  /**
   * About what solves the equations: a V-cycle, with a sweep of Gauss-Seidel before and one in the other direction after what the
   * coarser levels do. So it is symmetric, as conjugate gradients need it.
   * @param right [pixels]
   * @returns [pixels], overwritten by the next call
   */
  *solveRoughly(right: Float64Array): Steps<Float64Array> {
    const { levels } = this
    levels[0].right.set(right)
    for (const [depth, level] of levels.entries()) {
      level.values.fill(0)
      yield* inPieces(level.cells, 2 * sides, (from, to) => firstSweep(level, from, to))
      if (depth === levels.length - 1) break
      const coarser = levels[depth + 1].right.fill(0)
      yield* inPieces(level.cells, 2 * sides, (from, to) => restrict(level, coarser, from, to))
    }
    for (let depth = levels.length - 2; depth >= 0; depth--) {
      const level = levels[depth]
      const coarser = levels[depth + 1].values
      yield* inPieces(level.cells, 4, (from, to) => prolong(level, coarser, from, to))
      yield* inPieces(level.cells, 2 * sides, (from, to) => lastSweep(level, from, to), 'backward')
    }
    return levels[0].values
  }
}

function leftSides(
  { neighbours, weights, diagonal }: Equations,
  values: Float64Array,
  result: Float64Array,
  from: number,
  to: number,
): void {
  for (let cell = from, at = from * sides; cell < to; cell++, at += sides)
    result[cell] =
      diagonal[cell] * values[cell] -
      weights[at] * values[neighbours[at]] -
      weights[at + 1] * values[neighbours[at + 1]] -
      weights[at + 2] * values[neighbours[at + 2]] -
      weights[at + 3] * values[neighbours[at + 3]]
}

/** Gauss-Seidel: one after another the cells get the values that their equations give them. All were 0: later neighbours still are. */
function firstSweep({ neighbours, weights, inverse, right, values }: Level, from: number, to: number): void {
  for (let cell = from, at = from * sides; cell < to; cell++, at += sides)
    values[cell] =
      inverse[cell] *
      (right[cell] + weights[at + 1] * values[neighbours[at + 1]] + weights[at] * values[neighbours[at]])
}

/** Adds up what the equations lack after the first sweep: what later neighbours, which were 0 in it, have become. */
function restrict(
  { neighbours, weights, coarse, values }: Level,
  coarser: Float64Array,
  from: number,
  to: number,
): void {
  for (let cell = from, at = from * sides; cell < to; cell++, at += sides)
    coarser[coarse[cell]] += weights[at + 2] * values[neighbours[at + 2]] + weights[at + 3] * values[neighbours[at + 3]]
}

/** Adds what the coarser level found. */
function prolong({ coarse, values }: Level, coarser: Float64Array, from: number, to: number): void {
  for (let cell = from; cell < to; cell++) values[cell] += coarser[coarse[cell]]
}

function lastSweep({ neighbours, weights, inverse, right, values }: Level, from: number, to: number): void {
  for (let cell = to - 1, at = cell * sides; cell >= from; cell--, at -= sides)
    values[cell] =
      inverse[cell] *
      (right[cell] +
        weights[at] * values[neighbours[at]] +
        weights[at + 1] * values[neighbours[at + 1]] +
        weights[at + 3] * values[neighbours[at + 3]] +
        weights[at + 2] * values[neighbours[at + 2]])
}

/** A pixel is the mean of those beside it that the picture has; unknown are those of its own segment. */
function* ofPixels(segments: Int32Array, height: number, width: number): Steps<Equations> {
  const cells = height * width
  const neighbours = new Int32Array(cells * sides)
  const weights = new Float64Array(cells * sides)
  const diagonal = new Float64Array(cells)
  const link = (pixel: number, side: number, other: number, isInPicture: boolean) => {
    const isOwn = isInPicture && segments[other] === segments[pixel]
    neighbours[pixel * sides + side] = isOwn ? other : pixel
    weights[pixel * sides + side] = isOwn ? 1 : 0
    if (isInPicture) diagonal[pixel]++
  }
  yield* inPieces(cells, 8 * sides, (from, to) => {
    for (let pixel = from; pixel < to; pixel++) {
      const column = pixel % width
      link(pixel, 0, pixel - 1, column > 0)
      link(pixel, 1, pixel - width, pixel >= width)
      link(pixel, 2, pixel + 1, column < width - 1)
      link(pixel, 3, pixel + width, pixel + width < cells)
    }
  })
  return { cells, neighbours, weights, diagonal }
}

/** The cells of blocks twice as large. @param coarse [cells], filled in: in which new cell each is */
function* coarserBlocks(
  { rows, columns, start, segments }: Blocks,
  segmentCount: number,
  coarse: Int32Array,
): Steps<Blocks> {
  const [coarseRows, coarseColumns] = [Math.ceil(rows / 2), Math.ceil(columns / 2)]
  const coarseStart = new Int32Array(coarseRows * coarseColumns + 1)
  const coarseSegments = new Int32Array(segments.length)
  let cells = 0
  // Of each segment its newest cell, and in which block that is.
  const newest = new Int32Array(segmentCount)
  const within = new Int32Array(segmentCount).fill(-1)
  yield* inPieces(coarseRows * coarseColumns, 64, (first, end) => {
    for (let block = first; block < end; block++) {
      const [row, column] = [2 * Math.floor(block / coarseColumns), 2 * (block % coarseColumns)]
      for (let r = row; r < Math.min(row + 2, rows); r++) {
        const last = r * columns + Math.min(column + 2, columns)
        for (let cell = start[r * columns + column]; cell < start[last]; cell++) {
          const segment = segments[cell]
          if (within[segment] !== block) {
            within[segment] = block
            newest[segment] = cells
            coarseSegments[cells++] = segment
          }
          coarse[cell] = newest[segment]
        }
      }
      coarseStart[block + 1] = cells
    }
  })
  const found = coarseSegments.slice(0, cells)
  return { rows: coarseRows, columns: coarseColumns, start: coarseStart, segments: found }
}

/** The equations of the next level's cells. */
function* coarserEquations(fine: Equations, coarse: Int32Array, cells: number): Steps<Equations> {
  const neighbours = new Int32Array(cells * sides)
  const weights = new Float64Array(cells * sides)
  const diagonal = new Float64Array(cells)
  for (let i = 0; i < neighbours.length; i++) neighbours[i] = Math.floor(i / sides)
  yield* inPieces(fine.cells, 8 * sides, (from, to) => {
    for (let cell = from; cell < to; cell++) {
      const own = coarse[cell]
      diagonal[own] += fine.diagonal[cell] / stiffness
      for (let side = 0; side < sides; side++) {
        const weight = fine.weights[cell * sides + side] / stiffness
        const other = coarse[fine.neighbours[cell * sides + side]]
        if (other === own) diagonal[own] -= weight
        else {
          neighbours[own * sides + side] = other
          weights[own * sides + side] += weight
        }
      }
    }
  })
  return { cells, neighbours, weights, diagonal }
}
