import { describe, expect, it } from 'vitest'
import { ArgumentError } from '../../src/engine/errors.ts'
import {
  explainerFor,
  explanationRequest,
  felzenszwalb,
  LimeImageExplainer,
  methodNames,
  type PredictFn,
  type RequestInput,
  ShapleyImageExplainer,
} from '../../src/lime/index.ts'

const extent = 16
const image = {
  data: Float64Array.from({ length: extent ** 2 }, (_, i) => 0.5 + 0.5 * Math.sin(i * i)),
  shape: [extent, extent, 1],
}

const predict: PredictFn = ({ data, shape: [count] }) =>
  Array.from({ length: count }, (_, sample) => {
    const pixels = Array.from(data.subarray(sample * extent ** 2, (sample + 1) * extent ** 2))
    const p = pixels.reduce((sum, value, i) => sum + value * Math.cos(i / 5), 0) / extent ** 2
    return [0.5 + p, 0.5 - p]
  })

const lime: RequestInput = {
  version: 1,
  method: 'lime',
  segmenter: { name: 'grid', parameters: { rows: '3', columns: 3 } },
  samples: 60,
  randomState: 4,
  randomSeed: 5,
  labels: [1],
  hideColor: 'mean',
  kernelWidth: 0.4,
  featureSelection: 'highest_weights',
  alpha: 0.5,
}

const whole = explanationRequest(lime)

describe('a request', () => {
  it('is plain data: JSON brings it back, and it is taken as it is', () => {
    for (const method of methodNames) {
      const request = explanationRequest({ version: 1, method })
      expect(explanationRequest(JSON.parse(JSON.stringify(request)))).toEqual(request)
    }
    expect(explanationRequest(JSON.parse(JSON.stringify(whole)))).toEqual(whole)
  })

  it('says all that is usual, in one form whatever form it was given in', () => {
    expect(whole).toEqual({
      ...lime,
      segmenter: { name: 'grid', parameters: { rows: 3, columns: 3 } },
      distanceMetric: 'cosine',
      featureSelection: 'highestWeights',
      numFeatures: 16_384,
      factored: true,
      sampling: 'plain',
    })
    expect(explanationRequest({ ...whole, alpha: undefined, of: undefined })).toEqual({ ...whole, alpha: 1 })
    expect(explanationRequest({ version: 1, method: 'shapley' })).toEqual({
      version: 1,
      method: 'shapley',
      segmenter: null,
      topLabels: 5,
      hideColor: null,
      randomState: 123,
      randomSeed: 123,
      factored: true,
      samples: 1000,
      of: 'probability',
    })
  })

  it.each([
    [{ version: 2 }, 'version must be 1'],
    [{ version: undefined }, 'version'],
    [{ method: 'tarot' }, 'there is no method "tarot"; valid are lime, shapley'],
    [{ of: 'logit' }, 'lime takes no of; beside what every method takes, it takes samples, sampling, autoSamples'],
    [{ segmenter: { name: 'waterfall' } }, 'there is no segmenter "waterfall"'],
    [{ segmenter: { name: 'grid', parameters: { size: 3 } } }, 'grid has no parameter "size"'],
    [{ segmenter: { name: 'grid', parameters: { rows: 0 } } }, 'rows'],
    [
      { segmenter: { name: 'slic', parameters: { sigma: 'Infinity' } } },
      'sigma must be a number from 0 to 1,000, not Infinity',
    ],
    [
      { segmenter: { name: 'quickshift', parameters: { max_dist: 'Infinity' } } },
      "max_dist is Infinity, which JSON can't hold",
    ],
    [{ segmenter: () => image }, 'segmenter: options must be an object, not a function'],
    [{ segmenter: { name: 'grid', size: 3 } }, 'segmenter: there is no option "size"; there are name, parameters'],
    [{ segmenter: { parameters: {} } }, 'segmenter: name is missing'],
    [{ segmenter: { name: 'grid', parameters: { rows: null } } }, 'segmenter: parameters.rows must be a finite number'],
    [{ samples: 0 }, 'samples must be a whole number from 1'],
    [{ randomState: 0.5 }, 'randomState'],
    [{ hideColor: 'fog' }, 'hideColor'],
    [{ distanceMetric: 'nearness' }, 'there is no distance metric "nearness"'],
    [{ featureSelection: 'best' }, 'there is no feature selection "best"'],
    [{ labels: [0], topLabels: 2 }, 'labels or topLabels, not both'],
    [{ method: 'shapley' }, 'shapley takes no kernelWidth; beside what every method takes, it takes samples, of'],
    [{ colour: 'red' }, 'there is no option "colour"'],
  ])('is refused with %o', (change, message) => {
    const given = { ...lime, ...change } as RequestInput
    expect(() => explanationRequest(given)).toThrow(ArgumentError)
    expect(() => explanationRequest(given)).toThrow(message)
  })

  it('is nothing but an object', () => {
    for (const value of [null, 'lime', [], 3])
      expect(() => explanationRequest(value as unknown as RequestInput)).toThrow(ArgumentError)
  })
})

describe('what explains by a request', () => {
  it('gives the numbers of the explainers, call by call', async () => {
    const options = {
      segmentationFn: felzenszwalb({ minSize: 20 }),
      randomSeed: 123,
      labels: [0],
      hideColor: 0,
      topLabels: null,
    }
    const segmenter = { name: 'felzenszwalb', parameters: { min_size: 20 } }
    const common = { version: 1, segmenter, labels: [0], hideColor: 0, samples: 80, randomState: 7 } as const
    const byRequest = explainerFor({ ...common, method: 'lime', alpha: 2, kernelWidth: 0.5 })
    const byOptions = new LimeImageExplainer({ randomState: 7, kernelWidth: 0.5 })
    for (let call = 0; call < 2; call++) {
      const own = await byOptions.explainInstance(image, predict, { ...options, numSamples: 80, alpha: 2 })
      expect({ ...(await byRequest(image, predict)).toJSON(), timings: null }).toEqual({
        ...own.toJSON(),
        timings: null,
      })
    }
    const shares = explainerFor({ ...common, method: 'shapley' })
    const shapley = new ShapleyImageExplainer({ randomState: 7 })
    for (let call = 0; call < 2; call++) {
      const own = await shapley.explainInstance(image, predict, { ...options, numSamples: 80 })
      expect({ ...(await shares(image, predict)).toJSON(), timings: null }).toEqual({ ...own.toJSON(), timings: null })
    }
  })

  it('takes what can not be written down with the call', async () => {
    const explain = explainerFor({ version: 1, method: 'shapley', samples: 'exact', labels: [0] })
    const attribution = await explain(image, predict, {
      segmentationFn: (given) => ({
        data: Int32Array.from({ length: extent ** 2 }, (_, pixel) => pixel % 4),
        shape: [given.height, given.width],
      }),
      labels: (probabilities) => [probabilities.indexOf(Math.min(...probabilities))],
    })
    expect(attribution.segmentCount).toBe(4)
    expect(attribution.provenance.evaluations).toBe(16)
    const [p0, p1] = attribution.prediction
    expect(attribution.labels).toEqual([p0 < p1 ? 0 : 1])
  })

  it('is named in the registry as attributions name it', async () => {
    for (const method of methodNames) {
      const { segmenter } = lime
      const attribution = await explainerFor({ version: 1, method, segmenter, samples: 50 })(image, predict)
      expect(attribution.method).toBe(method)
    }
  })
})
