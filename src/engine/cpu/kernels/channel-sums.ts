import type { FunctionBody } from '../../wasm/emitter.ts'
import { f32x4, type I32, i32, type Local } from '../../wasm/instructions.ts'
import { type Epilogue, finish } from './epilogue.ts'
import type { PaddedImage } from './padded-image.ts'
import { packedWidth, storeVector } from './register-block.ts'

/**
 * The sums of depthwise convolutions: channels side by side in vectors of four, each multiplied by a weight of its own. Vectors at a row's
 * end may hold numbers of the next pixel, too; what is made of those is never stored.
 */
export interface ChannelSums {
  /** [H, W, layers · columns]. */
  readonly image: PaddedImage
  /** Pixels of zeros above it and to its left that are not in memory: windows that reach there, or past its other edges, are cut. */
  readonly padTop: number
  readonly padLeft: number
  readonly windowHeight: number
  readonly windowWidth: number
  readonly strideY: number
  readonly strideX: number
  readonly dilation: readonly [y: number, x: number]
  readonly outWidth: number
  /** Channels of a result. */
  readonly columns: number
  /** Vectors of columns that are added up to one, at each place of the window. */
  readonly layers: number
  /** Weights [windowHeight, windowWidth, layers, columns rounded up to whole vectors]. */
  readonly weights: number
  readonly epilogue: Epilogue
}

/** What vectors at a row's end may read past a padded image; one that is read where it lies has its block's own slack. */
export const slack = 16

/** Pixels of a tile, each a vector of sums. */
const tilePixels = 4

/** Columns of a window whose taps are written out: of 31 they take longer than a loop, and of 255 they are more than a function may hold. */
const mostWrittenOut = 21

/** Neighbouring results whose windows meet the same of their taps in an image's rows, in equal tiles. */
interface Run {
  readonly pixels: number
  readonly tiles: number
  /** Which of the window's columns lie in the image. */
  readonly firstTap: number
  readonly taps: number
}

function runsOf({ image, padLeft, windowWidth, strideX, dilation: [, dilation], outWidth }: ChannelSums): Run[] {
  const within = (x: number) => {
    const start = x * strideX - padLeft
    const first = Math.min(windowWidth, Math.max(0, Math.ceil(-start / dilation)))
    const end = Math.min(windowWidth, Math.ceil((image.width - start) / dilation))
    return { first, taps: Math.max(0, end - first) }
  }
  const runs: Run[] = []
  for (let x = 0; x < outWidth; ) {
    const { first: firstTap, taps } = within(x)
    let end = x + 1
    while (end < outWidth && within(end).first === firstTap && within(end).taps === taps) end++
    const tiles = Math.floor((end - x) / tilePixels)
    const rest = (end - x) % tilePixels
    if (tiles > 0) runs.push({ pixels: tilePixels, tiles, firstTap, taps })
    if (rest > 0) runs.push({ pixels: rest, tiles: 1, firstTap, taps })
    x = end
  }
  return runs
}

/** Where a row of the window begins, in the image and in the weights, at a tile's first vector. */
interface RowPlace {
  readonly seen: Local<'i32'>
  readonly weights: Local<'i32'>
}

/** Adds to a tile's sums, a pixel each, what a row of the window has for them. Leaves its place as it was. */
type AddRow = (body: FunctionBody, sums: readonly Local<'v128'>[], place: RowPlace, run: Run, job: ChannelSums) => void

/**
 * Tap by tap: a row's weights are in registers, and each of the image's numbers is loaded once, for all pixels whose
 * windows see it. A pixel meets its taps in order, from left to right. One vector: V8 loads all of a row first, and 13 registers hold it.
 */
const addTaps: AddRow = (body, sums, { seen, weights }, { taps }, job) => {
  const pixel = job.image.channels * 4
  const tapBytes = packedWidth(job.columns) * 4
  const loaded = Array.from({ length: taps }, (_, tap) => body.local('v128', f32x4.load(weights, tap * tapBytes)))
  const columnOf = (p: number, tap: number) => p * job.strideX + tap * job.dilation[1]
  const value = body.local('v128')
  for (let column = 0; column <= columnOf(sums.length - 1, taps - 1); column++) {
    const seeing = sums.flatMap((sum, p) =>
      loaded.flatMap((weight, tap) => (columnOf(p, tap) === column ? [{ sum, weight }] : [])),
    )
    if (seeing.length > 0) body.set(value, f32x4.load(seen, column * pixel))
    for (const { sum, weight } of seeing) body.set(sum, body.multiplyAdd(sum, value, weight))
  }
}

/** In loops, where a row has many places or each of them several layers: place by place, layer by layer. */
const addPlaces: AddRow = (body, sums, { seen, weights }, { taps }, job) => {
  const { columns, layers } = job
  const pixel = job.image.channels * 4
  const layerBytes = packedWidth(columns) * 4
  const step = job.dilation[1] * pixel
  const weight = body.local('v128')
  body.for(0, taps, 1, () => {
    body.for(0, layers, 1, () => {
      body.set(weight, f32x4.load(weights))
      sums.forEach((sum, p) => body.set(sum, body.multiplyAdd(sum, f32x4.load(seen, p * job.strideX * pixel), weight)))
      body.advance(seen, columns * 4)
      body.advance(weights, layerBytes)
    })
    if (step > pixel) body.advance(seen, step - pixel)
  })
  body.advance(seen, -taps * step)
  body.advance(weights, -taps * layers * layerBytes)
}

/**
 * Rows of one image's outputs. All channels of a few neighbouring pixels, then the next ones: what a row's windows see stays in the
 * cache while they slide over it. A tile holds four pixels of a vector of sums in registers and walks the window.
 */
export function sumChannels(
  body: FunctionBody,
  image: I32,
  output: I32,
  outputOffset: I32,
  [firstRow, rows]: readonly [I32, I32],
  job: ChannelSums,
): void {
  const { columns, layers } = job
  const pixel = job.image.channels * 4
  const rowBytes = job.image.width * pixel
  const tapBytes = layers * packedWidth(columns) * 4
  const [dilationY, dilationX] = job.dilation
  const firstTap = body.local('i32')
  const taps = body.local('i32')
  const emitTile = (x: I32, o: I32, column: I32, run: Run) => {
    const sums = Array.from({ length: run.pixels }, () => body.local('v128'))
    for (const sum of sums) body.set(sum, f32x4.const(0))
    if (run.taps > 0) {
      const skipped = i32.mul(firstTap, i32.const(job.windowWidth * tapBytes))
      const first = i32.add(i32.add(column, skipped), i32.const(job.weights + run.firstTap * tapBytes))
      const place = { seen: body.local('i32', i32.add(x, column)), weights: body.local('i32', first) }
      const addRow = layers === 1 && job.windowWidth <= mostWrittenOut ? addTaps : addPlaces
      body.for(i32.const(0), taps, 1, () => {
        addRow(body, sums, place, run, job)
        body.advance(place.seen, dilationY * rowBytes)
        body.advance(place.weights, job.windowWidth * tapBytes)
      })
    }
    sums.forEach((sum, p) => {
      const offset = p * columns * 4
      finish(body, [sum], job.epilogue, column, i32.add(o, i32.const(offset)))
      storeVector(body, i32.add(output, o), offset, sum, columns, column, 0)
    })
  }
  const runs = runsOf(job)
  const top = body.local('i32', i32.sub(i32.mul(firstRow, i32.const(job.strideY)), i32.const(job.padTop)))
  const o = body.local('i32', i32.add(outputOffset, i32.mul(firstRow, i32.const(job.outWidth * columns * 4))))
  const x = body.local('i32')
  const at = body.local('i32')
  const result = body.local('i32')
  body.for(i32.const(0), rows, 1, () => {
    rowsWithin(body, top, job, firstTap, taps)
    const line = i32.add(top, i32.mul(firstTap, i32.const(dilationY)))
    body.set(x, i32.add(image, i32.mul(line, i32.const(rowBytes))))
    body.advance(x, -job.padLeft * pixel)
    for (const run of runs) {
      const shift = run.firstTap * dilationX * pixel
      body.for(0, run.tiles, 1, () => {
        body.set(at, i32.add(x, i32.const(shift)))
        body.set(result, o)
        body.for(0, packedWidth(columns) * 4, 16, (column) => {
          emitTile(at, result, column, run)
          body.advance(result, 16)
        })
        body.advance(x, run.pixels * job.strideX * pixel)
        body.advance(o, run.pixels * columns * 4)
      })
    }
    body.advance(top, job.strideY)
  })
}

/** Which of a window's rows lie in the image, where its first one is row `top`, perhaps one before the image's begin. */
function rowsWithin(
  body: FunctionBody,
  top: I32,
  { image, windowHeight, dilation: [dilation] }: ChannelSums,
  firstTap: Local<'i32'>,
  taps: Local<'i32'>,
): void {
  /** How many steps of the dilation it takes to come so far. */
  const steps = (distance: I32) => i32.divU(i32.add(distance, i32.const(dilation - 1)), i32.const(dilation))
  const bound = (value: Local<'i32'>) =>
    body.if(i32.gtS(value, i32.const(windowHeight)), () => body.set(value, i32.const(windowHeight)))
  body.set(firstTap, i32.const(0))
  body.if(i32.ltS(top, i32.const(0)), () => body.set(firstTap, steps(i32.sub(i32.const(0), top))))
  bound(firstTap)
  body.set(taps, i32.const(0))
  body.if(i32.ltS(top, i32.const(image.height)), () => body.set(taps, steps(i32.sub(i32.const(image.height), top))))
  bound(taps)
  body.set(taps, i32.sub(taps, firstTap))
}
