import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { range, SampleMoments, targetMomentsOf } from '../../src/lime/fit/moments.ts'
import { weightedScore } from '../../src/lime/fit/ridge.ts'
import { kernelShap, sampleCoalitions } from '../../src/lime/fit/shapley-values.ts'
import { grid, LimeImageExplainer, type PredictFn, ShapleyImageExplainer } from '../../src/lime/index.ts'
import { RandomState } from '../../src/lime/random/random-state.ts'
import { drawingUndoably } from '../../src/lime/random/undoable-draws.ts'
import { distancesToFirst } from '../../src/lime/samples/distances.ts'
import { drawMasks, sampleMasks } from '../../src/lime/samples/sampling.ts'
import { inOneGo, type Steps } from '../../src/lime/steps.ts'

/** Whatever is done for each sample and segment lets others run on its way, and hears of an abort there. */

const side = 28
const segments = side ** 2
const samples = 4000
/** Numbers looked at between two pauses: about a millisecond. */
const mostAStep = 2 ** 19

const masks = inOneGo(sampleMasks(new RandomState(1), samples, segments))
const weights = new Float64Array(samples).fill(1)
const targets = Float64Array.from({ length: samples }, (_, row) => (row * 7919) % 101)
const summed = () => inOneGo(SampleMoments.of({ data: masks.data, rows: samples, columns: segments, weights }))

describe('work on 4,000 samples of 784 segments pauses often enough', () => {
  it.each<[string, () => Steps<unknown>]>([
    ['drawing masks', () => drawMasks(new RandomState(1), samples, segments)],
    ['drawing coalitions', () => sampleCoalitions(new RandomState(1), samples, segments)],
    ['distances', () => distancesToFirst(masks, 'cosine')],
    ['moments', () => SampleMoments.of({ data: masks.data, rows: samples, columns: segments, weights })],
    ["a target's sums", () => summed().targetSums(targets)],
    ['a column', () => summed().column(3)],
    ['how much a model varies', () => summed().variation(range(segments), new Float64Array(segments))],
    ['values by KernelSHAP', () => inOneGo(kernelShap(masks))(targets)],
    [
      "a fit's score",
      () => {
        const moments = summed()
        const fit = { coefficients: new Float64Array(segments), intercept: 0 }
        return weightedScore(moments, inOneGo(targetMomentsOf(moments, targets)), fit, range(segments))
      },
    ],
  ])('%s', (_, begin) => {
    expect([...begin()].length).toBeGreaterThanOrEqual(Math.floor((samples * segments) / mostAStep))
  })
})

describe('masks that are drawn in turns', () => {
  // Each pause is a turn for others, as if it took long to get there.
  beforeEach(() => {
    let now = performance.now()
    vi.spyOn(performance, 'now').mockImplementation(() => {
      now += 60
      return now
    })
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  /** Drawing takes more turns than that. */
  const turns = 2
  const inAFewTurns = (act: () => void, left = turns): void => {
    if (left === 0) act()
    else setTimeout(() => inAFewTurns(act, left - 1), 0)
  }
  const start = () => new RandomState(1)
  const draw = (stream: RandomState, signal?: AbortSignal) =>
    drawingUndoably(stream, (draws) => draws.draw((random) => drawMasks(random, 1000, segments), signal))

  it.each([
    ['LIME', (randomState: RandomState) => new LimeImageExplainer({ randomState })],
    ['KernelSHAP', (randomState: RandomState) => new ShapleyImageExplainer({ randomState })],
  ] as const)('of %s stop when they are told to, and leave the stream as it was', async (_, make) => {
    const image = { data: Float64Array.from({ length: segments }, (_, i) => Math.sin(i)), shape: [side, side, 1] }
    const predict = vi.fn<PredictFn>(({ shape: [count] }) => Array.from({ length: count }, () => [0.5, 0.5]))
    const stream = start()
    const stop = new AbortController()
    const explaining = make(stream).explainInstance(image, predict, {
      segmentationFn: grid({ rows: side, columns: side }),
      hideColor: 0,
      numSamples: 1000,
      signal: stop.signal,
      onProgress: ({ phase, done }) => {
        if (phase === 'segmentation' && done === 1) inAFewTurns(() => stop.abort('enough'))
      },
    })
    await expect(explaining).rejects.toBe('enough')
    expect(predict).not.toHaveBeenCalled()
    expect(stream.standsAt(start().snapshot())).toBe(true)
  })

  it('by calls that run at once are those of calls one after another', async () => {
    const shared = start()
    const atOnce = await Promise.all([draw(shared), draw(shared)])
    const other = start()
    for (const drawn of atOnce) expect(Buffer.compare(drawn, other.bits(drawn.length))).toBe(0)
  })

  it('by a call that waits come after those of one that was stopped, as if it had never begun', async () => {
    const shared = start()
    const stop = new AbortController()
    const stopped = draw(shared, stop.signal)
    const waiting = draw(shared)
    inAFewTurns(() => stop.abort('enough'))
    await expect(stopped).rejects.toBe('enough')
    const drawn = await waiting
    expect(Buffer.compare(drawn, start().bits(drawn.length))).toBe(0)
  })

  it('do not come again where somebody else drew between them', async () => {
    const shared = start()
    const stop = new AbortController()
    const stopped = draw(shared, stop.signal)
    inAFewTurns(() => {
      shared.nextUint32()
      stop.abort('enough')
    })
    await expect(stopped).rejects.toBe('enough')
    expect(shared.standsAt(start().snapshot())).toBe(false)
  })
})
