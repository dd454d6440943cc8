import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tutorialArchitecture } from '../../src/app/networks/tutorial.ts'
import { CpuDevice } from '../../src/engine/cpu/device.ts'
import type { Model } from '../../src/engine/facade/model.ts'
import { modelFromBytes } from '../../src/engine/facade/model-from-bytes.ts'
import { formatSafetensors } from '../../src/engine/formats/safetensors.ts'
import { masksFrom } from '../../src/lime/fit/every-mask.ts'
import { SampleMoments, targetMomentsOf } from '../../src/lime/fit/moments.ts'
import { ridge } from '../../src/lime/fit/ridge.ts'
import {
  felzenszwalb,
  grid,
  LimeImageExplainer,
  type SegmentPredictor,
  ShapleyImageExplainer,
} from '../../src/lime/index.ts'
import { distancesToFirst } from '../../src/lime/samples/distances.ts'
import { exponentialKernel, kernelWeights } from '../../src/lime/samples/kernel.ts'
import { inOneGo } from '../../src/lime/steps.ts'
import { recordedExplanation } from '../lime/recorded-explanation.ts'
import { readReference } from '../reference-files.ts'
import { largestError } from '../reference-tensors.ts'

/** All mixtures of the tutorial's test image 7270 (felzenszwalb, 10 segments) through its network. */
describe('exact explanations of image 7270', () => {
  const device = new CpuDevice({ threads: 2 })
  const { image } = recordedExplanation(readReference('lime-tutorial-true-felzenszwalb.safetensors'))
  const options = { segmentationFn: felzenszwalb(), randomSeed: 1 }
  let model: Model
  beforeAll(async () => {
    const { tensors, metadata } = readReference('model.safetensors')
    model = modelFromBytes(formatSafetensors(tensors, metadata), tutorialArchitecture(0))
    await model.compile({ device })
  })
  afterAll(() => {
    model.dispose()
    device.dispose()
  })

  /** The network without its tables: every mixture is computed by itself. */
  const bruteForce = (): SegmentPredictor => ({
    inputShape: model.inputShape,
    predictBlended: (request, asked) => model.predictBlended(request, { ...asked, factored: false }),
  })

  it('equal a float64 fit to every mixture computed by itself, whatever the random state', async () => {
    const exact = await new LimeImageExplainer({ randomState: 1 }).explainInstance(image, model, {
      ...options,
      numSamples: 'exact',
    })
    const again = await new LimeImageExplainer({ randomState: 2 }).explainInstance(image, model, {
      ...options,
      numSamples: 'exact',
    })
    expect(again.localExp).toEqual(exact.localExp)
    const segments = exact.masks.shape[1]
    expect(segments).toBe(10)
    const rows = 2 ** segments
    expect(exact.samples).toBe(rows)
    const data = masksFrom(0, rows, segments)
    const [height, width] = exact.segments.shape
    const grey = (pixels: ArrayLike<number>) => Float32Array.from({ length: height * width }, (_, i) => pixels[3 * i])
    const answers = await bruteForce().predictBlended(
      {
        image: grey(exact.image.data),
        fudged: grey(exact.fudged.data),
        segments: exact.segments.data,
        masks: data,
        count: rows,
        segmentCount: segments,
      },
      {},
    )
    const distances = inOneGo(distancesToFirst({ data, shape: [rows, segments] }, 'cosine'))
    const moments = inOneGo(
      SampleMoments.of({
        data,
        rows,
        columns: segments,
        weights: kernelWeights(distances, exponentialKernel, 0.25),
      }),
    )
    const features = Array.from({ length: segments }, (_, i) => i)
    for (const label of exact.labels) {
      const targets = Float64Array.from({ length: rows }, (_, row) => answers.data[row * 10 + label])
      const { coefficients, intercept } = inOneGo(
        ridge(moments, inOneGo(targetMomentsOf(moments, targets)), 0, features),
      )
      for (const [segment, weight] of exact.localExp[label])
        expect(Math.abs(weight - coefficients[segment]), `label ${label}, segment ${segment}`).toBeLessThan(1e-6)
      expect(Math.abs(exact.intercept[label] - intercept)).toBeLessThan(1e-6)
    }
  })

  it('take a million mixtures of 20 segments', async () => {
    const fine = { segmentationFn: grid({ rows: 5, columns: 4 }), randomSeed: 1, numSamples: 'exact' } as const
    const exact = await new LimeImageExplainer().explainInstance(image, model, fine)
    expect(exact.samples).toBe(2 ** 20)
    // Held against a sample: within what its intervals say, nearly always.
    const sampled = await new LimeImageExplainer({ randomState: 3 }).explainInstance(image, model, {
      ...fine,
      numSamples: 5000,
    })
    const weights = new Map(exact.localExp[exact.labels[0]])
    const intervals = sampled.intervals(exact.labels[0])
    const inside = intervals.filter(({ segment, low, high }) => {
      const weight = weights.get(segment) ?? Number.NaN
      return low <= weight && weight <= high
    })
    expect(inside.length).toBeGreaterThanOrEqual(17)
  })

  it('Shapley values of the logits equal their enumeration, and add up', async () => {
    const explainer = new ShapleyImageExplainer()
    const logits = await explainer.explainInstance(image, model, { ...options, of: 'logit' })
    const [label] = logits.labels
    const segments = logits.segmentCount
    const tables = await model.tabulateBlended({
      image: Float32Array.from({ length: 784 }, (_, i) => logits.image.data[3 * i]),
      fudged: Float32Array.from({ length: 784 }, (_, i) => logits.fudged.data[3 * i]),
      segments: logits.segments.data,
      segmentCount: segments,
    })
    if (!tables) throw new Error('the tutorial network has tables')
    const logitOf = (shown: number) =>
      tables.tables.reduce((sum, { segments: known, values }) => {
        const row = known.reduce((bits, segment, j) => bits | (((shown >> segment) & 1) << j), 0)
        return sum + values[row * tables.classes + label]
      }, 0)
    const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))
    const bits = (mask: number) =>
      Array.from({ length: segments }, (_, s) => (mask >> s) & 1).reduce((a, b) => a + b, 0)
    const expected = Array.from({ length: segments }, (_, s) => {
      let sum = 0
      for (let mask = 0; mask < 2 ** segments; mask++) {
        if ((mask >> s) & 1) continue
        const others = bits(mask)
        const share = (factorial(others) * factorial(segments - others - 1)) / factorial(segments)
        sum += share * (logitOf(mask | (1 << s)) - logitOf(mask))
      }
      return sum
    })
    const values = new Map(logits.localExp[label])
    const own = expected.map((_, s) => values.get(s) ?? Number.NaN)
    expect(largestError(own, expected)).toBeLessThan(1e-9)
    const whole = logitOf(2 ** segments - 1) - logitOf(0)
    expect(Math.abs(own.reduce((sum, value) => sum + value, 0) - whole)).toBeLessThan(1e-5)
    // What the network itself says of the two extremes.
    const { data } = await bruteForce().predictBlended(
      {
        image: Float32Array.from({ length: 784 }, (_, i) => logits.image.data[3 * i]),
        fudged: Float32Array.from({ length: 784 }, (_, i) => logits.fudged.data[3 * i]),
        segments: logits.segments.data,
        masks: new Uint8Array(2 * segments).fill(1, 0, segments),
        count: 2,
        segmentCount: segments,
      },
      {},
    )
    const other = logits.labels[1]
    const difference = new Map(logits.localExp[other])
    const gained = own.reduce((sum, value, s) => sum + value - (difference.get(s) ?? Number.NaN), 0)
    const logRatio = (row: number) => Math.log(data[row * 10 + label] / data[row * 10 + other])
    expect(Math.abs(gained - (logRatio(0) - logRatio(1)))).toBeLessThan(1e-4)
  })
})
