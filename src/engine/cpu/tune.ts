import { debug } from '../platform/debug.ts'
import { machineName, type TuningMemory } from '../platform/tuning-memory.ts'
import { yieldToEvents } from '../platform/yield.ts'
import { ModuleBuilder } from '../wasm/emitter.ts'
import { f32x4, i32 } from '../wasm/instructions.ts'
import {
  type Block,
  candidateBlocks,
  defaultBlock,
  emitSmallProduct,
  type ProductShape,
} from './kernels/small-product.ts'

/**
 * Which register block suits which product, found by measuring on the machine and engine at hand, once. Terms:
 * - product: the small matrix product that takes most of a Winograd convolution's time; its shape decides how long.
 * - block: how many of its sums are held in registers at a time; see small-product.ts. Blocks differ in speed only, every
 *   sum is added up in the same order: what is chosen never changes a result. That is why nothing else is chosen by the
 *   clock: direct sums and Winograd's differ in their last bits, and a seed must give the same numbers everywhere.
 */

/** A change of what is remembered under a shape: of the candidates, of the code they stand for. */
const revision = 1
/** Gained at least, or the default stays: less may be noise. */
const leastGain = 0.05
/** Operands of this many products in turn, as many as a second-level cache has room for beside other things. */
const planes = 8
const rounds = 9
/** A measurement takes at least so many of the clock's ticks. */
const leastTicks = 20
/** Milliseconds; a clock as coarse as this would take seconds. */
const coarsestTick = 2
/** How long the engine is given to optimise the candidates, and the most that a slow machine is kept for it. */
const warmUpMs = 120
const longestMs = 2000

const nameOf = ({ rows, vectors }: Block) => `${rows}x${vectors}`

export function signatureOf({ rows, inner, columns, leftIsTransposed, accumulate, rightLayout }: ProductShape): string {
  const marks = [leftIsTransposed ? 't' : '', accumulate ? '+' : '', rightLayout === 'panels' ? 'p' : '']
  return `${rows}x${inner}x${columns}${marks.join('')}`
}

/** Milliseconds of every shape's every candidate, in the order of candidateBlocks; infinite if it could not be measured. */
export type MeasureBlocks = (shapes: readonly ProductShape[], relaxed: boolean) => Promise<number[][]>

export class BlockTuner {
  private readonly chosen = new Map<string, Block>()
  private readonly machine: string
  private turn: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly memory: TuningMemory,
    private readonly relaxed: boolean,
    private readonly measure: MeasureBlocks = measureBlocks,
  ) {
    this.machine = `${machineName()}, products ${revision}${relaxed ? ', relaxed' : ''}`
  }

  /** What has been found to be best, or a good choice without. */
  blockFor(shape: ProductShape): Block {
    return this.chosen.get(signatureOf(shape)) ?? defaultBlock(shape.columns)
  }

  /** Finds the best blocks of shapes that are not known yet. */
  async tune(shapes: readonly ProductShape[]): Promise<void> {
    const mine = this.turn.then(() => this.tuneUnknown(shapes))
    this.turn = mine.catch(() => {})
    return mine
  }

  private async tuneUnknown(shapes: readonly ProductShape[]): Promise<void> {
    const bySignature = new Map(shapes.map((shape) => [signatureOf(shape), shape]))
    const isOpen = ([signature, { columns }]: readonly [string, ProductShape]) =>
      !this.chosen.has(signature) && candidateBlocks(columns).length > 1
    if (![...bySignature].some(isOpen)) return
    const remembered = await this.memory.read(this.machine)
    for (const [signature, { columns }] of [...bySignature].filter(isOpen)) {
      const block = candidateBlocks(columns).find((candidate) => nameOf(candidate) === remembered[signature])
      if (!block) continue
      this.chosen.set(signature, block)
      debug('tune', () => `product ${signature}: block ${nameOf(block)}, remembered`)
    }
    const open = [...bySignature].filter(isOpen)
    if (open.length === 0) return
    const times = await this.measure(
      open.map(([, shape]) => shape),
      this.relaxed,
    )
    const found: Record<string, string> = {}
    for (const [i, [signature, { columns }]] of open.entries()) {
      const isMeasured = times[i].every(Number.isFinite)
      const block = isMeasured ? fastest(columns, times[i]) : defaultBlock(columns)
      this.chosen.set(signature, block)
      debug(
        'tune',
        () =>
          `product ${signature}: block ${nameOf(block)}, ${isMeasured ? 'measured' : 'the usual one: the clock is too coarse'}`,
      )
      if (isMeasured) found[signature] = nameOf(block)
    }
    await this.memory.write(this.machine, found)
  }
}

function fastest(columns: number, times: readonly number[]): Block {
  const candidates = candidateBlocks(columns)
  const usual = candidates.findIndex((block) => nameOf(block) === nameOf(defaultBlock(columns)))
  const best = times.indexOf(Math.min(...times))
  return usual >= 0 && times[best] > times[usual] * (1 - leastGain) ? candidates[usual] : candidates[best]
}

/** Runs every candidate on numbers of its shape until the engine has optimised it, then in turn, and takes each one's best. */
export async function measureBlocks(shapes: readonly ProductShape[], relaxed: boolean): Promise<number[][]> {
  const builder = new ModuleBuilder({ relaxed })
  let bytes = 64
  const names = shapes.map((shape, s) => {
    const [left, right, out] = [shape.rows * shape.inner, shape.inner * shape.columns, shape.rows * shape.columns].map(
      (floats) => Math.ceil(floats / 16) * 64 + 64,
    )
    const stride = left + right + out
    bytes = Math.max(bytes, 64 + planes * stride)
    return candidateBlocks(shape.columns).map((block, b) => {
      const name = `product${s}block${b}`
      builder.function(name, ['i32'] as const, (body, last) => {
        body.for(i32.const(64), last, stride, (at) =>
          emitSmallProduct(
            body,
            {
              rows: i32.const(shape.rows),
              inner: i32.const(shape.inner),
              columns: shape.columns,
              left: at,
              rowStride: shape.leftIsTransposed ? 4 : shape.inner * 4,
              innerStride: shape.leftIsTransposed ? shape.rows * 4 : 4,
              right: i32.add(at, i32.const(left)),
              rightLayout: shape.rightLayout,
              out: i32.add(at, i32.const(left + right)),
              accumulate: shape.accumulate,
            },
            block,
          ),
        )
      })
      return { name, last: 64 + planes * stride }
    })
  })
  // Neither zeros nor sums that grow: both would be computed at another speed.
  builder.function('fill', ['i32'] as const, (body, last) => {
    body.for(i32.const(0), last, 16, (at) => body.store(at, f32x4.const(1e-3)))
  })
  const pages = Math.ceil((bytes + 64) / 65536)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const { instance } = await WebAssembly.instantiate(builder.encode(), { env: { memory } })
  const functions = instance.exports as Record<string, (last: number) => void>
  functions.fill(bytes)
  const candidates = names
    .flat()
    .map(({ name, last }) => ({ run: functions[name], last, best: Number.POSITIVE_INFINITY }))
  const tick = clockTick()
  const started = performance.now()
  const isLate = () => performance.now() - started > longestMs
  do {
    for (const { run, last } of candidates) run(last)
    // The optimised code comes from another thread, and is taken at the next call.
    await new Promise((resolve) => setTimeout(resolve, 5))
  } while (performance.now() - started < warmUpMs)
  for (let round = 0; round < rounds && tick < coarsestTick; round++) {
    for (const candidate of candidates) {
      if (isLate()) break
      const start = performance.now()
      let elapsed = 0
      let runs = 0
      do {
        candidate.run(candidate.last)
        runs++
        elapsed = performance.now() - start
      } while (elapsed < leastTicks * tick)
      candidate.best = Math.min(candidate.best, elapsed / runs)
    }
    functions.fill(bytes)
    await yieldToEvents()
  }
  let next = 0
  return names.map((blocks) => blocks.map(() => candidates[next++].best))
}

/** Milliseconds: browsers keep the clock coarse, 5 µs to 1 ms, against attacks by timing. */
function clockTick(): number {
  const start = performance.now()
  let now = start
  while (now === start) now = performance.now()
  return now - start
}
