import seedrandom from 'seedrandom'
import { describe, expect, it } from 'vitest'
import { runNameOf } from '../../src/app/batch/run-settings.ts'
import {
  explainerFor,
  explanationRequest,
  hiddenFills,
  LimeImageExplainer,
  type PredictFn,
  type RequestInput,
  ShapleyImageExplainer,
  segmenterNamed,
} from '../../src/lime/index.ts'

/**
 * Requests that ask for the same are the same text and so the same run. What asks for the same is written down here by hand, from
 * what lime's and scikit-image's documents say of their defaults, and checked against explainers that never see a request.
 */

type Random = () => number
type Given = Record<string, unknown>

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]
const whole = (random: Random, below: number) => Math.floor(random() * below)
const maybe = (random: Random, fields: Given): Given => (random() < 0.5 ? fields : {})

const segmenters: Readonly<Record<string, Readonly<Record<string, number | boolean>>>> = {
  quickshift: { kernel_size: 5, max_dist: 10, ratio: 1, sigma: 0 },
  felzenszwalb: { scale: 1, sigma: 0.8, min_size: 20 },
  slic: { n_segments: 100, compactness: 10, max_num_iter: 10, sigma: 0, start_label: 0, enforce_connectivity: true },
  watershed: { markers: 50, compactness: 0.001 },
  grid: { rows: 4, columns: 4 },
}
const limesQuickshift = { kernel_size: 4, max_dist: 200, ratio: 0.2, sigma: 0 }

function randomRequest(random: Random): Given {
  const method = pick(random, ['lime', 'shapley'])
  const name = pick(random, Object.keys(segmenters))
  const own: Given = {}
  for (const parameter of Object.keys(segmenters[name]))
    if (typeof segmenters[name][parameter] === 'number' && random() < 0.3) own[parameter] = 1
  const common = {
    version: 1,
    method,
    ...pick(random, [{}, { segmenter: null }, { segmenter: { name } }, { segmenter: { name, parameters: own } }]),
    ...pick(random, [{}, { labels: [1, 0] }, { labels: [1] }, { topLabels: 1 + whole(random, 6) }]),
    ...maybe(random, { hideColor: pick(random, [null, 0, 0.5, ...hiddenFills]) }),
    ...maybe(random, { randomState: pick(random, [123, 7]) }),
    ...maybe(random, { randomSeed: pick(random, [123, 9]) }),
    ...maybe(random, { factored: random() < 0.5 }),
  }
  if (method === 'shapley')
    return {
      ...common,
      ...maybe(random, { samples: pick(random, [50, 1000, 'exact']) }),
      ...maybe(random, { of: pick(random, ['probability', 'logit']) }),
    }
  return {
    ...common,
    ...maybe(random, { samples: pick(random, [50, 1000, 'exact', 'auto']) }),
    ...maybe(random, { sampling: pick(random, ['plain', 'balanced']) }),
    ...maybe(random, { autoSamples: { ...maybe(random, { topFeatures: 3 }), ...maybe(random, { most: 1024 }) } }),
    ...maybe(random, { alpha: pick(random, [0, 1, 2]) }),
    ...maybe(random, { kernelWidth: pick(random, [0.25, 0.5]) }),
    ...maybe(random, { distanceMetric: pick(random, ['cosine', 'euclidean', 'hamming', 'manhattan', 'dice']) }),
    ...maybe(random, { featureSelection: pick(random, ['auto', 'none', 'highestWeights', 'lassoPath']) }),
    ...maybe(random, { numFeatures: pick(random, [3, 8, 16_384]) }),
  }
}

/** The field as it is usual, where it is not given. */
const usual = (name: string, value: unknown) => (given: Given) => (name in given ? null : { ...given, [name]: value })
const drawsNothing = ({ samples, of }: Given) => samples === 'exact' || of === 'logit'
const isLime = ({ method }: Given) => method === 'lime'

/** Ways to say the same again; null where they do not apply. */
const rewritings: readonly ((given: Given, random: Random) => Given | null)[] = [
  usual('segmenter', null),
  usual('hideColor', null),
  usual('randomState', 123),
  usual('randomSeed', 123),
  usual('factored', true),
  usual('samples', 1000),
  (given) => (given.labels || given.topLabels ? null : { ...given, topLabels: 5 }),
  (given) => (Array.isArray(given.labels) ? { ...given, labels: [...given.labels, given.labels[0]] } : null),
  (given, random) => (drawsNothing(given) ? { ...given, randomState: 1 + whole(random, 1000) } : null),
  // A segmenter's parameters: those that are usual, as text, in another order, and a seed that is the request's.
  (given) => {
    const { segmenter } = given as unknown as RequestInput
    if (!segmenter) return null
    const { name, parameters = {} } = segmenter
    const bare = Object.keys(parameters).length === 0
    const all = { ...(name === 'quickshift' && bare ? limesQuickshift : segmenters[name]), ...parameters }
    const texts = Object.fromEntries(
      Object.entries(all)
        .reverse()
        .map(([parameter, value]) => [parameter, String(value)]),
    )
    const seed = name === 'quickshift' ? { random_seed: given.randomSeed ?? 123 } : {}
    return { ...given, segmenter: { name, parameters: { ...seed, ...texts } } }
  },
  (given) => (isLime(given) ? usual('distanceMetric', 'cosine')(given) : null),
  (given) => (isLime(given) ? usual('featureSelection', 'auto')(given) : null),
  (given) => (isLime(given) ? usual('kernelWidth', 0.25)(given) : null),
  (given) => (isLime(given) ? usual('numFeatures', 100_000)(given) : null),
  (given) => (isLime(given) ? usual('alpha', typeof (given.samples ?? 1000) === 'number' ? 1 : 0)(given) : null),
  (given) => (isLime(given) ? usual('sampling', given.samples === 'auto' ? 'balanced' : 'plain')(given) : null),
  (given, random) =>
    isLime(given) && given.samples === 'exact' ? { ...given, sampling: pick(random, ['plain', 'balanced']) } : null,
  (given) => (isLime(given) ? null : usual('of', 'probability')(given)),
  (given) => (given.of === 'logit' ? { ...given, samples: 77 } : null),
  (given) => (isLime(given) && given.samples !== 'auto' ? { ...given, autoSamples: { most: 600 } } : null),
  ({ autoSamples, ...given }) =>
    given.samples === 'auto'
      ? { ...given, autoSamples: { most: 32_768, topFeatures: 5, ...Object(autoSamples) } }
      : null,
  (given) => (given.featureSelection === 'none' ? { ...given, numFeatures: 4 } : null),
  (given) => {
    if (!isLime(given) || (given.featureSelection ?? 'auto') !== 'auto') return null
    const few = Number(given.numFeatures ?? 100_000) <= 6
    return { ...given, featureSelection: few ? 'forward_selection' : 'highest_weights' }
  },
  (given, random) => {
    const same: Readonly<Record<string, readonly string[]>> = {
      euclidean: ['l2', 'minkowski'],
      hamming: ['jaccard', 'russellrao'],
      manhattan: ['cityblock', 'l1', 'canberra', 'sqeuclidean'],
      dice: ['braycurtis'],
    }
    const names = same[String(given.distanceMetric)]
    return names ? { ...given, distanceMetric: pick(random, names) } : null
  },
  (given) => Object.fromEntries(Object.entries(given).reverse()),
  (given) => ({ ...given, signal: undefined, alpha: given.alpha }),
]

const textOf = (given: unknown) => JSON.stringify(explanationRequest(given as RequestInput))

describe('requests', () => {
  it('that ask for the same are the same text and run, however they are written', () => {
    const applied = rewritings.map(() => 0)
    for (let i = 0; i < 600; i++) {
      const random = seedrandom(`request ${i}`)
      let given = randomRequest(random)
      const text = textOf(given)
      const run = runNameOf({ request: explanationRequest(given as unknown as RequestInput) })
      for (let change = 0; change < 12; change++) {
        const which = whole(random, rewritings.length)
        const rewritten = rewritings[which](given, random)
        if (!rewritten) continue
        applied[which]++
        given = rewritten
        expect(textOf(given), JSON.stringify(given)).toBe(text)
      }
      expect(textOf(JSON.parse(text)), 'given once more').toBe(text)
      expect(runNameOf({ request: JSON.parse(text) })).toBe(run)
      expect(Object.values(JSON.parse(text))).not.toContain(undefined)
    }
    expect(Math.min(...applied)).toBeGreaterThan(5)
  })

  it('that ask for something else are another text', () => {
    const base = { version: 1, method: 'lime', segmenter: { name: 'grid' }, samples: 60 } as const
    const auto = { ...base, samples: 'auto' } as const
    const shapley = { version: 1, method: 'shapley', segmenter: { name: 'quickshift' } } as const
    const texts = [
      ...[
        {},
        { segmenter: null },
        { segmenter: { name: 'slic' } },
        { segmenter: { name: 'grid', parameters: { rows: 3 } } },
      ],
      ...[
        { labels: [0] },
        { labels: [0, 1] },
        { labels: [1, 0] },
        { topLabels: 2 },
        { hideColor: 0 },
        { hideColor: [0] },
      ],
      ...[{ randomState: 1 }, { randomSeed: 1 }, { factored: false }, { samples: 61 }, { samples: 'exact' as const }],
      ...[
        { alpha: 0 },
        { kernelWidth: 0.5 },
        { distanceMetric: 'dice' },
        { featureSelection: 'none' },
        { numFeatures: 7 },
      ],
      ...['euclidean', 'l1', 'chebyshev', 'hamming', 'rogerstanimoto'].map((distanceMetric) => ({ distanceMetric })),
      { featureSelection: 'lasso_path' },
      { numFeatures: 6 },
      { sampling: 'balanced' as const },
    ].map((change) => textOf({ ...base, ...change }))
    texts.push(
      textOf({ ...auto, sampling: 'plain' }),
      textOf(auto),
      textOf({ ...auto, autoSamples: { most: 600 } }),
      textOf({ ...auto, randomState: 5 }),
    )
    for (const change of [
      {},
      { of: 'logit' },
      { samples: 'exact' },
      { samples: 9 },
      { randomState: 1 },
      { randomSeed: 1 },
    ])
      texts.push(textOf({ ...shapley, ...change }))
    for (const parameters of [{ sigma: 0 }, { random_seed: 1 }])
      texts.push(textOf({ ...shapley, segmenter: { name: 'quickshift', parameters } }))
    expect(new Set(texts).size).toBe(texts.length)
  })

  it('give the numbers of explainers that were given the same options', async () => {
    const extent = 12
    const image = {
      data: Float64Array.from({ length: extent ** 2 * 3 }, (_, i) => 0.5 + 0.5 * Math.sin(i * i)),
      shape: [extent, extent, 3],
    }
    const predict: PredictFn = ({ data, shape: [count] }) =>
      Array.from({ length: count }, (_, sample) => {
        const pixels = Array.from(data).slice(sample * extent ** 2 * 3, (sample + 1) * extent ** 2 * 3)
        const p = 0.4 * Math.tanh(pixels.reduce((sum, value, i) => sum + value * Math.cos(i / 5), 0) / 9)
        return [0.5 + p, 0.3 - p / 2, 0.2 - p / 2]
      })
    let compared = 0
    for (let i = 0; compared < 20; i++) {
      const given = randomRequest(seedrandom(`numbers ${i}`))
      if (given.of === 'logit') continue
      const {
        method,
        randomState = 123,
        randomSeed = 123,
        segmenter: asked,
        ...options
      } = given as unknown as RequestInput
      // Few segments, so that all their mixtures can be asked for.
      const segmenter = asked?.name === 'grid' ? asked : { name: 'grid', parameters: { rows: 2, columns: 3 } }
      const { samples, kernelWidth, featureSelection, of, autoSamples, version: _, ...others } = options
      const own = {
        ...others,
        randomSeed,
        numSamples: samples,
        segmentationFn: segmenterNamed(segmenter.name, segmenter.parameters),
      }
      const direct =
        method === 'lime'
          ? await new LimeImageExplainer({ randomState, kernelWidth, featureSelection }).explainInstance(
              image,
              predict,
              {
                ...own,
                autoSamples,
              },
            )
          : await new ShapleyImageExplainer({ randomState }).explainInstance(image, predict, {
              ...own,
              numSamples: samples === 'auto' ? undefined : samples,
              of,
            })
      const byRequest = await explainerFor({ ...(given as unknown as RequestInput), segmenter })(image, predict)
      expect({ ...byRequest.toJSON(), timings: 0 }, JSON.stringify(given)).toEqual({ ...direct.toJSON(), timings: 0 })
      compared++
    }
  })
})
