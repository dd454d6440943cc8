import { describe, expect, it } from 'vitest'
import { ArgumentError, FormatError } from '../../src/engine/errors.ts'
import { fudgedImage } from '../../src/lime/images/fudged-image.ts'
import {
  type Attribution,
  attributionFromJson,
  type ExplainOptions,
  Explanation,
  faithfulnessOf,
  grid,
  heatmap,
  LimeImageExplainer,
  overlay,
  type PredictFn,
  ShapleyAttribution,
  ShapleyImageExplainer,
  toImage,
  weightColour,
  weightLimit,
  weightMap,
} from '../../src/lime/index.ts'

/** How far explanations can be trusted, on a classifier whose truth is known. */

const extent = 6
const image = {
  data: Float64Array.from({ length: extent * extent }, (_, i) => 0.5 + 0.5 * Math.sin(i)),
  shape: [extent, extent, 1],
}
const options = {
  segmentationFn: grid({ rows: 3, columns: 3 }),
  hideColor: -1,
  labels: [0],
  topLabels: null,
  randomSeed: 1,
} as const satisfies ExplainOptions
const segments = 9

/** What each segment is worth, and pairs that are worth something only together. */
const worth = [0.3, -0.2, 0.1, 0.05, 0, 0.22, -0.02, 0.01, 0.15]
const pairs = [
  [0, 5, 0.1],
  [1, 8, -0.15],
  [2, 3, 0.2],
] as const

/** Hidden pixels are -1: a segment is shown if its first pixel is not. */
const predict: PredictFn = ({ data, shape: [count] }) =>
  Array.from({ length: count }, (_, sample) => {
    const shown = Array.from({ length: segments }, (_, s) => {
      const pixel = Math.floor(s / 3) * 2 * extent + (s % 3) * 2
      return data[sample * extent * extent + pixel] !== -1
    })
    const sum = worth.reduce((total, value, s) => total + (shown[s] ? value : 0), 0)
    const both = pairs.reduce((total, [a, b, value]) => total + (shown[a] && shown[b] ? value : 0), 0)
    const p = 1 / (1 + Math.exp(-3 * (sum + both)))
    return [p, 1 - p]
  })

const explain = (randomState: number, change: ExplainOptions = {}) =>
  new LimeImageExplainer({ randomState }).explainInstance(image, predict, { ...options, batchSize: 500, ...change })

const weightsOf = (explanation: Attribution) => {
  const weights = new Map(explanation.localExp[0])
  return Array.from({ length: segments }, (_, s) => weights.get(s) ?? 0)
}

describe('exact explanations', () => {
  it('are the same for every random state, and have intervals without width', async () => {
    const [one, other] = [await explain(1, { numSamples: 'exact' }), await explain(2, { numSamples: 'exact' })]
    expect(one.localExp).toEqual(other.localExp)
    expect(one.samples).toBe(512)
    expect(one.sampling).toBe('exact')
    for (const { weight, low, high } of one.intervals(0)) expect([low, high]).toEqual([weight, weight])
    // They are not kept.
    expect(one.masks.shape).toEqual([1, segments])
  })

  it('are what ever larger samples come to', async () => {
    const exact = weightsOf(await explain(1, { numSamples: 'exact' }))
    const large = weightsOf(await explain(1, { numSamples: 60_000 }))
    exact.forEach((weight, s) => expect(large[s]).toBeCloseTo(weight, 2))
  })

  it('are refused for more segments than that can be done for, and with a regressor of the caller', async () => {
    const fine = { ...options, segmentationFn: grid({ rows: 6, columns: 6 }), numSamples: 'exact' } as const
    await expect(explain(1, fine)).rejects.toThrow(/at most 16 segments.*has 36.*fewer segments, or a number/)
    const regression = { modelRegressor: () => ({ coefficients: worth, intercept: 0 }), numSamples: 'exact' } as const
    await expect(explain(1, regression)).rejects.toThrow(ArgumentError)
  })
})

describe('confidence', () => {
  it('intervals hold the mean of many explanations nineteen times out of twenty', { timeout: 60_000 }, async () => {
    const runs = 200
    const explanations = []
    for (let seed = 0; seed < runs; seed++) explanations.push(await explain(seed, { numSamples: 300 }))
    const all = explanations.map(weightsOf)
    let inside = 0
    for (let s = 0; s < segments; s++) {
      const mean = all.reduce((sum, weights) => sum + weights[s], 0) / runs
      for (const explanation of explanations) {
        const own = explanation.intervals(0).find(({ segment }) => segment === s)
        if (own && own.low <= mean && mean <= own.high) inside++
      }
    }
    const coverage = inside / (runs * segments)
    expect(coverage).toBeGreaterThan(0.92)
    expect(coverage).toBeLessThan(0.98)
  })

  it('intervals outlive samples that are not kept, and there are none of a regressor of the caller', async () => {
    const kept = await explain(3)
    const dropped = await explain(3, { keepSamples: false })
    expect(dropped.masks.shape).toEqual([1, segments])
    expect(dropped.probabilities.shape).toEqual([1, 2])
    expect(dropped.intervals(0)).toEqual(kept.intervals(0))
    expect(() => kept.intervals(1)).toThrow(/label 1 was not explained/)
    const own = await explain(3, { modelRegressor: () => ({ coefficients: worth, intercept: 0 }) })
    expect(() => own.intervals(0)).toThrow(ArgumentError)
  })

  it("'auto' samples until the order of the top features is settled: it is the true one then", async () => {
    const fine = { segmentationFn: grid({ rows: 6, columns: 3 }) }
    const truth = (await explain(1, { ...fine, numSamples: 100_000 })).localExp[0].map(([segment]) => segment)
    let [settled, right] = [0, 0]
    for (let seed = 0; seed < 20; seed++) {
      const auto = await explain(seed, { ...fine, numSamples: 'auto', autoSamples: { topFeatures: 2, most: 8192 } })
      expect(auto.samples).toBeLessThanOrEqual(8192)
      expect(auto.sampling).toBe('auto')
      if (!auto.settled) expect(auto.warnings.join()).toMatch(/not settled after 8192 samples/)
      else settled++
      if (auto.settled && auto.localExp[0].slice(0, 2).every(([segment], i) => segment === truth[i])) right++
    }
    expect(settled).toBeGreaterThan(10)
    expect(right).toBeGreaterThanOrEqual(settled - 1)
    const all = await explain(1, { numSamples: 'auto', autoSamples: { topFeatures: 8 } })
    expect(all.sampling).toBe('exact')
    expect(all.settled).toBe(true)
    expect(all.samples).toBe(512)
  })

  it("'auto' takes what was drawn before as well: the stream is that of one large sample", async () => {
    const auto = await explain(4, { numSamples: 'auto', autoSamples: { topFeatures: 9, most: 511 } })
    const balanced = { numSamples: auto.samples, sampling: 'balanced' } as const
    expect(auto.masks.data).toEqual((await explain(4, balanced)).masks.data)
    const plain = { sampling: 'plain', autoSamples: { topFeatures: 9, most: 511 } } as const
    const old = await explain(4, { ...plain, numSamples: 'auto' })
    expect(old.masks.data).toEqual((await explain(4, { numSamples: old.samples })).masks.data)
  })
})

describe('stability', () => {
  it('is perfect for exact explanations and grows with the samples', async () => {
    const explainer = new LimeImageExplainer({ randomState: 1 })
    const of = async (numSamples: number | 'exact') => {
      const asked = { ...options, batchSize: 500, numSamples, runs: 12, topFeatures: 6 }
      const found = await explainer.stability(image, predict, asked)
      const own = found.get(0)
      if (!own) throw new Error('label 0 was asked for')
      return own
    }
    expect(await of('exact')).toMatchObject({ runs: 12, sameTop: 1, vsi: 1, csi: 1, spread: 0 })
    const [few, many] = [await of(20), await of(3000)]
    expect(many.spread).toBeLessThan(few.spread / 3)
    expect(many.vsi).toBeGreaterThanOrEqual(few.vsi)
    expect(few.sameTop).toBeLessThan(1)
    expect(many.csi).toBeGreaterThan(0.9)
    await expect(explainer.stability(image, predict, { ...options, runs: 1 })).rejects.toThrow(ArgumentError)
  })
})

describe('where there is nothing to explain', () => {
  const constant: PredictFn = ({ shape: [count] }) => Array.from({ length: count }, () => [0.3, 0.7])
  const half: PredictFn = async (batch, context) =>
    (await (predict(batch, context) as readonly number[][])).map(([p]) => [p / 2, 0.5, 0.5 - p / 2])
  const of = (predictor: PredictFn, change: ExplainOptions) =>
    new LimeImageExplainer({ randomState: 1 }).explainInstance(image, predictor, {
      ...options,
      batchSize: 500,
      ...change,
    })

  it.each([100, 'exact', 'auto'] as const)(
    'a constant classifier has no R², and a warning (%s samples)',
    async (numSamples) => {
      const explanation = await of(constant, { numSamples })
      expect(explanation.score[0]).toBe(0)
      for (const [, weight] of explanation.localExp[0]) expect(weight).toBe(0)
      expect(explanation.warnings.join()).toMatch(/answers every mixture alike.*nothing can be explained/)
      for (const { low, high } of explanation.intervals(0)) expect([low, high].map(Math.abs)).toEqual([0, 0])
      expect((await of(constant, { numSamples, compatible: true })).score[0]).toBe(1)
      const shapley = { ...options, numSamples: numSamples === 'auto' ? 100 : numSamples }
      const shares = await new ShapleyImageExplainer({ randomState: 1 }).explainInstance(image, constant, shapley)
      expect(shares.warnings.join()).toMatch(/answers every mixture alike/)
      expect(shares.score?.[0]).toBe(0)
    },
  )

  it('a class whose answer never changes is named', async () => {
    const explanation = await of(half, { labels: [0, 1, 2], numSamples: 100 })
    expect(explanation.score[1]).toBe(0)
    expect(explanation.score[0]).toBeGreaterThan(0.8)
    expect(explanation.warnings.join()).toMatch(/the answer for label 1 is the same whatever is hidden/)
  })

  it('one sample is the image itself, and a few are too few', async () => {
    const one = await of(predict, { numSamples: 1 })
    expect(one.warnings.join()).toMatch(/the only sample is the image itself/)
    expect(one.score[0]).toBe(0)
    expect(one.localExp[0].every(([, weight]) => weight === 0)).toBe(true)
    for (const numSamples of [2, segments + 2])
      expect((await of(predict, { numSamples })).warnings.join()).toMatch(/samples are too few for 9 segments/)
    expect((await of(predict, { numSamples: segments + 3 })).warnings.join()).not.toMatch(/too few/)
    const shapley = await new ShapleyImageExplainer({ randomState: 1 }).explainInstance(image, predict, {
      ...options,
      numSamples: 2,
    })
    expect(shapley.warnings.join()).toMatch(/2 samples are too few/)
    expect(shapley.score?.[0]).toBe(0)
  })

  it.each([0.01, 1e-3, 1e-200])(
    'a kernel so narrow that all weights vanish (%d wide) is said to be so',
    async (kernelWidth) => {
      const narrow = await new LimeImageExplainer({ randomState: 1, kernelWidth }).explainInstance(image, predict, {
        ...options,
        batchSize: 500,
      })
      expect(narrow.warnings.join()).toMatch(/next to no weight.*nothing can be explained; take a wider kernel/)
      expect(Math.abs(narrow.score[0])).toBeLessThan(1e-3)
      expect(narrow.localExp[0].every(([, weight]) => Math.abs(weight) < 1e-6)).toBe(true)
      for (const { low, high } of narrow.intervals(0)) expect(Number.isFinite(low) && Number.isFinite(high)).toBe(true)
    },
  )

  it('exact has a limit as long as anything weighs: a narrow kernel sees what hiding one segment does', async () => {
    const exact = await new LimeImageExplainer({ kernelWidth: 0.004 }).explainInstance(image, predict, {
      ...options,
      numSamples: 'exact',
      batchSize: 600,
    })
    expect(exact.warnings).toEqual([])
    const alone = await of(predict, { numSamples: 'exact' })
    const masks = Array.from({ length: segments }, (_, hidden) => hidden)
    const answers = await predict(
      {
        data: Float64Array.from({ length: segments * extent * extent }, (_, at) => {
          const [sample, pixel] = [Math.floor(at / extent ** 2), at % extent ** 2]
          return alone.segments.data[pixel] === masks[sample] ? -1 : image.data[pixel]
        }),
        shape: [segments, extent, extent, 1],
      },
      {},
    )
    const weights = weightsOf(exact)
    masks.forEach((segment) => {
      const [without] = (answers as readonly number[][])[segment]
      expect(weights[segment]).toBeCloseTo(exact.probabilities.data[0] - without, 6)
    })
  })
})

describe('faithfulness', () => {
  it('follows the probability while segments go and come, truer than in random order', async () => {
    const explanation = await explain(1, { numSamples: 'exact' })
    const { deletion, insertion, random, order, irof } = await faithfulnessOf(explanation, predict, { seed: 3 })
    expect(order).toEqual([...explanation.localExp[0]].sort(([, a], [, b]) => b - a).map(([segment]) => segment))
    const [full] = explanation.probabilities.data
    expect(deletion.probabilities[0]).toBeCloseTo(full, 12)
    expect(insertion.probabilities[segments]).toBeCloseTo(full, 12)
    expect(deletion.probabilities[segments]).toBeCloseTo(insertion.probabilities[0], 12)
    expect(deletion.auc).toBeLessThan(random.deletion.auc - 0.1)
    expect(insertion.auc).toBeGreaterThan(random.insertion.auc + 0.1)
    expect(irof).toBeCloseTo(1 - deletion.auc / full, 12)
    await expect(faithfulnessOf(explanation, predict, { label: 1 })).rejects.toThrow(/label 1 was not explained/)
  })
})

describe('explanations by Shapley values', () => {
  it('add up to what the image gives beyond nothing shown, exact or sampled', async () => {
    const explainer = new ShapleyImageExplainer({ randomState: 1 })
    const exact = await explainer.explainInstance(image, predict, { ...options, numSamples: 'exact' })
    const sampled = await explainer.explainInstance(image, predict, { ...options, numSamples: 4000 })
    for (const explanation of [exact, sampled]) {
      expect(explanation.sumOf(0)).toBeCloseTo(explanation.prediction[0], 10)
      expect(explanation.base[0]).toBeCloseTo(0.5, 10)
      expect(explanation.score?.[0]).toBeGreaterThan(0.9)
    }
    expect(exact.provenance).toEqual({ randomSeed: 1, samples: 512, sampling: 'exact', evaluations: 512 })
    expect(sampled.provenance).toMatchObject({ samples: 4000, sampling: 'number', evaluations: 4000 })
    const [a, b] = [weightsOf(exact), weightsOf(sampled)]
    a.forEach((value, s) => expect(b[s]).toBeCloseTo(value, 2))
    await expect(explainer.explainInstance(image, predict, { ...options, of: 'logit' })).rejects.toThrow(/tables/)
  })
})

describe('explainBatch', () => {
  it('explains each image as if it were the first, and keeps no samples', async () => {
    const explainer = new LimeImageExplainer({ randomState: 9 })
    const other = { ...image, data: image.data.map((value) => 1 - value) }
    const explanations: Explanation[] = []
    for await (const explanation of explainer.explainBatch([image, other, image], predict, {
      ...options,
      batchSize: 500,
    }))
      explanations.push(explanation)
    expect(explanations).toHaveLength(3)
    expect(explanations[2].localExp).toEqual(explanations[0].localExp)
    expect(explanations[0].localExp).toEqual((await explain(9)).localExp)
    expect(explanations[0].masks.shape[0]).toBe(1)
  })
})

describe('what hidden segments show', () => {
  it('may be the mean of the image, or the image out of focus', async () => {
    const mean = await explain(1, { hideColor: 'mean' })
    const average = image.data.reduce((sum, value) => sum + value, 0) / image.data.length
    for (const value of mean.fudged.data) expect(value).toBeCloseTo(average, 12)
    const noise = toImage({ data: Float64Array.from({ length: 784 }, (_, i) => Math.sin(i * i)), shape: [28, 28] })
    const blurred = (await fudgedImage(noise, new Int32Array(784), 'blur', { randomSeed: 1 })).data
    const roughness = (data: ArrayLike<number>) =>
      Array.from(data).reduce((sum, value, i) => sum + (i === 0 ? 0 : Math.abs(value - data[i - 1])), 0)
    expect(roughness(blurred)).toBeLessThan(0.2 * roughness(noise.data))
    expect(roughness(blurred)).toBeGreaterThan(0)
    // Its mean is the image's, all but what is mirrored at the edges.
    const total = (data: ArrayLike<number>) => Array.from(data).reduce((sum, value) => sum + value, 0) / data.length
    expect(total(blurred)).toBeCloseTo(total(noise.data), 2)
    await expect(explain(1, { hideColor: 'fog' as 'blur' })).rejects.toThrow(
      /'mean', 'blur', 'noise', 'inpaint' or null/,
    )
  })
})

describe('the grid', () => {
  it('cuts images into cells as equal as pixels allow', async () => {
    const { data } = await grid({ rows: 2, columns: 3 })(
      { data: new Float32Array(35), shape: [5, 7], height: 5, width: 7, channels: 1 },
      { randomSeed: 0 },
    )
    expect(Array.from(data.subarray(0, 7))).toEqual([0, 0, 0, 1, 1, 2, 2])
    expect(Math.max(...data)).toBe(5)
    expect(() => grid({ rows: 0 })).toThrow(ArgumentError)
  })
})

describe('explanations as JSON', () => {
  it('come back as they were, samples, intervals and pictures included', async () => {
    for (const explanation of [
      await explain(1, { numSamples: 50 }),
      await explain(1, { numSamples: 'exact' }),
      await explain(1, { numSamples: 50, modelRegressor: () => ({ coefficients: worth, intercept: 0 }) }),
    ]) {
      const copy = Explanation.fromJSON(JSON.parse(JSON.stringify(explanation)))
      expect(copy.toJSON()).toEqual(explanation.toJSON())
      expect(copy.localExp).toEqual(explanation.localExp)
      expect(copy.provenance).toEqual(explanation.provenance)
      expect(copy.masks).toEqual(explanation.masks)
      expect(copy.probabilities).toEqual(explanation.probabilities)
      expect(copy.image).toEqual(explanation.image)
      expect(copy.getImageAndMask(0)).toEqual(explanation.getImageAndMask(0))
    }
    const sampled = await explain(1, { numSamples: 50 })
    expect(Explanation.fromJSON(JSON.parse(JSON.stringify(sampled))).intervals(0)).toEqual(sampled.intervals(0))
  })

  it('say how many images were asked about; those of before say that they do not know', async () => {
    const json = JSON.parse(JSON.stringify(await explain(1, { numSamples: 50 })))
    expect(Explanation.fromJSON(json).provenance.evaluations).toBe(50)
    const { evaluations, ...old } = json
    expect(evaluations).toBe(50)
    const before = Explanation.fromJSON(old)
    expect(before.provenance).toEqual({
      randomSeed: json.randomSeed,
      samples: 50,
      sampling: 'number',
      evaluations: null,
    })
    expect(Explanation.fromJSON(JSON.parse(JSON.stringify(before))).provenance).toEqual(before.provenance)
    for (const wrong of [-1, 0.5, '50'])
      expect(() => Explanation.fromJSON({ ...json, evaluations: wrong })).toThrow(
        /evaluations is .*; expected a whole number/,
      )
  })

  it('of Shapley values hold what they say, and no more; those of before are read as they were', async () => {
    const explainer = new ShapleyImageExplainer({ randomState: 1 })
    for (const numSamples of [50, 'exact'] as const) {
      const attribution = await explainer.explainInstance(image, predict, { ...options, numSamples })
      const json = JSON.parse(JSON.stringify(attribution))
      expect(json).toMatchObject({ version: 2, method: 'shapley', evidence: { of: 'probability' } })
      for (const name of ['masks', 'distances', 'kernelWeights', 'alpha', 'intercept'])
        expect(json).not.toHaveProperty(name)
      const copy = attributionFromJson(json)
      expect(copy).toBeInstanceOf(ShapleyAttribution)
      expect(copy.toJSON()).toEqual(attribution.toJSON())
      expect(copy.getImageAndMask(0)).toEqual(attribution.getImageAndMask(0))
      expect(() => Explanation.fromJSON(json)).toThrow(/of version 2/)
      expect(() => attributionFromJson({ ...json, method: 'tarot' })).toThrow(/method "tarot"; only shapley/)
      expect(() => attributionFromJson({ ...json, evidence: { of: 'luck' } })).toThrow(/evidence.of is "luck"/)
      expect(() => attributionFromJson({ ...json, labels: [0, 1] })).toThrow(/localExp has no 1/)
      const { base } = json.evidence
      const old = {
        ...(await explain(1, { numSamples: 1, keepSamples: false })).toJSON(),
        localExp: json.localExp,
        intercept: base,
        intervals: { 0: null },
        alpha: null,
      }
      const before = attributionFromJson(JSON.parse(JSON.stringify(old)))
      expect(before).toBeInstanceOf(Explanation)
      expect(before.weightsOf(0)).toEqual(attribution.weightsOf(0))
    }
  })

  it('say what is wrong with anything else', async () => {
    const json = (await explain(1, { numSamples: 20 })).toJSON()
    expect(() => Explanation.fromJSON(null)).toThrow(FormatError)
    expect(() => Explanation.fromJSON({ format: 'other' })).toThrow(/not an explanation/)
    expect(() => Explanation.fromJSON({ ...json, version: 2 })).toThrow(/of version 2/)
    expect(() => Explanation.fromJSON({ ...json, masks: undefined })).toThrow(/has no "masks"/)
    expect(() => Explanation.fromJSON({ ...json, masks: ['1'] })).toThrow(/1 masks and 20 rows of probabilities/)
    expect(() => Explanation.fromJSON({ ...json, segments: { shape: [2, 2], data: [0, 0, 0, 0] } })).toThrow(
      /label map/,
    )
  })
})

describe('pictures of weights', () => {
  it('are white where nothing speaks, green for and magenta against, whatever the image', async () => {
    const explanation = await explain(1, { numSamples: 'exact' })
    expect(weightLimit(explanation.localExp[0])).toBe(Math.abs(explanation.localExp[0][0][1]))
    const [white, most, least] = [0, 1, -1].map(weightColour)
    expect(Math.min(...white)).toBeGreaterThan(230)
    expect(most[1]).toBeGreaterThan(most[0] + 30)
    expect(least[0]).toBeGreaterThan(least[1] + 100)
    const weights = weightMap(explanation, 0)
    const picture = heatmap(explanation, 0)
    const [strongest, weight] = explanation.localExp[0][0]
    const pixel = explanation.segments.data.indexOf(strongest)
    expect(weights[pixel]).toBe(weight)
    expect(Array.from(picture.data.subarray(3 * pixel, 3 * pixel + 3))).toEqual(weight > 0 ? most : least)
    expect(overlay(explanation, 0).shape).toEqual([extent, extent, 3])
    expect(() => heatmap(explanation, 1)).toThrow(/label 1 was not explained/)
  })

  it('do not paint what hardly matters as loudly as what decides', () => {
    expect(weightLimit([[3, -0.4]])).toBe(0.4)
    // A share of the probability: where no part is worth a tenth of it, none has a full colour.
    expect(weightLimit([[3, 0.026]])).toBe(0.1)
    expect(weightLimit([])).toBe(0.1)
  })
})
