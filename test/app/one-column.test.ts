import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CpuDevice } from '../../src/engine/cpu/device.ts'
import { conv2d, dense, flatten, type Sequential, sequential } from '../../src/engine/index.ts'
import {
  type Attribution,
  faithfulnessOf,
  grid,
  LimeImageExplainer,
  type PredictFn,
  ShapleyImageExplainer,
} from '../../src/lime/index.ts'

/** Classifiers of two classes that say one number: what one sigmoid gives is the probability of class 1. */

const extent = 12
const image = {
  data: Float64Array.from({ length: extent ** 2 }, (_, i) => 0.5 + 0.5 * Math.sin(i)),
  shape: [extent, extent, 1],
}
const fixed = { segmentationFn: grid({ rows: 3, columns: 3 }), hideColor: 0, randomSeed: 1 }

/** One column, as a function gives it. */
const asFunction: PredictFn = ({ data, shape: [count] }) =>
  Array.from({ length: count }, (_, sample) => {
    const pixels = data.subarray(sample * extent ** 2, (sample + 1) * extent ** 2)
    const logit = Array.from(pixels).reduce((sum, value, i) => sum + value * Math.cos(i / 7) * 0.1, 0)
    return [1 / (1 + Math.exp(-logit - 0.1 * logit ** 2))]
  })

/** Whether all that is said of one class is said of the other, with the other sign. */
function expectOpposite({
  labels,
  prediction,
  localExp,
  score,
}: Attribution & { readonly score: Readonly<Record<number, number>> | null }): void {
  expect([...labels].sort()).toEqual([0, 1])
  expect(prediction).toHaveLength(2)
  const [p0, p1] = prediction
  expect(p0 + p1).toBe(1)
  expect(localExp[1].some(([, weight]) => Math.abs(weight) > 1e-3)).toBe(true)
  expect(localExp[0]).toEqual(localExp[1].map(([segment, weight]) => [segment, -weight]))
  expect(score?.[0]).toBeCloseTo(score?.[1] ?? Number.NaN, 12)
}

describe('one sigmoid', () => {
  const device = new CpuDevice({ threads: 1 })
  let model: Sequential
  beforeAll(async () => {
    model = sequential({ inputShape: [extent, extent, 1], seed: 3 }, [
      conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
      flatten(),
      dense({ units: 1, activation: 'sigmoid' }),
    ])
    await model.compile({ device })
  })
  afterAll(() => {
    model.dispose()
    device.dispose()
  })

  const predictors = () =>
    [
      ['a function', asFunction, {}],
      ['a model of ours', model, {}],
      ['a model of ours, each sample by itself', model, { factored: false }],
    ] as const

  it.each([0, 1, 2])('is explained for both classes, with exactly opposite weights (%d)', async (which) => {
    const [, predictor, how] = predictors()[which]
    for (const numSamples of [200, 'exact', 'auto'] as const) {
      const options = { ...fixed, ...how, numSamples, batchSize: 100 }
      const explanation = await new LimeImageExplainer({ randomState: 1 }).explainInstance(image, predictor, options)
      expectOpposite(explanation)
      const [zero, one] = [0, 1].map((label) => explanation.intervals(label))
      // The middle of an interval is rounded by itself.
      one.forEach(({ low, high }, i) => {
        expect(zero[i].low).toBeCloseTo(-high, 14)
        expect(zero[i].high).toBeCloseTo(-low, 14)
      })
      for (const label of [0, 1]) {
        const { deletion } = await faithfulnessOf(explanation, predictor, { label, ...how, batchSize: 100 })
        expect(deletion.probabilities[0]).toBeCloseTo(explanation.probabilities.data[label], 6)
      }
    }
    for (const numSamples of [200, 'exact'] as const) {
      const options = { ...fixed, ...how, numSamples, batchSize: 100 }
      expectOpposite(await new ShapleyImageExplainer({ randomState: 1 }).explainInstance(image, predictor, options))
    }
    for (const labels of [[0], [1]]) {
      const options = { ...fixed, ...how, labels, numSamples: 100, runs: 2, batchSize: 100 }
      const stable = await new LimeImageExplainer({ randomState: 1 }).stability(image, predictor, options)
      expect([...stable.keys()]).toEqual(labels)
    }
  })

  it('has tables of both logits, each the negative of the other', async () => {
    const explain = (labels: number[]) =>
      new ShapleyImageExplainer().explainInstance(image, model, { ...fixed, of: 'logit', labels })
    const [zero, one] = [await explain([0]), await explain([1])]
    expect(zero.localExp[0]).toEqual(one.localExp[1].map(([segment, weight]) => [segment, -weight]))
    const tabulated = await new LimeImageExplainer().explainInstance(image, model, { ...fixed, numSamples: 'exact' })
    const each = await new LimeImageExplainer().explainInstance(image, model, {
      ...fixed,
      numSamples: 'exact',
      factored: false,
    })
    const weights = new Map(each.localExp[1])
    for (const [segment, weight] of tabulated.localExp[1])
      expect(Math.abs(weight - (weights.get(segment) ?? Number.NaN))).toBeLessThan(5e-6)
  })

  it('that is left out is missed: a number beyond 0 to 1 is no probability', async () => {
    const logit: PredictFn = ({ shape: [count] }) => Array.from({ length: count }, () => [1.5])
    await expect(new LimeImageExplainer().explainInstance(image, logit, fixed)).rejects.toThrow(
      /one column.*1\.5 is none.*sigmoid/,
    )
  })
})
