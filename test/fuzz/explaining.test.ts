import {
  type ExplainOptions,
  Explanation,
  faithfulnessOf,
  heatmap,
  type ImageBatch,
  LimeImageExplainer,
  overlay,
  type Predictor,
  ShapleyImageExplainer,
  type ShapleyOptions,
  segmenterNamed,
  toImage,
} from '../../src/lime/index.ts'
import { fuzz, must, mutatedJson, pick, type Random, strangeValue, whole } from './fuzzing.ts'

const side = 6
const image = { data: Float64Array.from({ length: side * side }, (_, i) => (i % 7) / 7), shape: [side, side] }

/** Three classes, by the brightness of the picture's thirds. */
function predict({ data, shape: [count] }: ImageBatch): number[][] {
  const size = data.length / count
  return Array.from({ length: count }, (_, i) => {
    const sums = [0, 1, 2].map((third) =>
      Float64Array.from(data)
        .slice(i * size + (third * size) / 3, i * size + ((third + 1) * size) / 3)
        .reduce((sum, value) => sum + value, 0.1),
    )
    const total = sums.reduce((sum, value) => sum + value)
    return sums.map((sum) => sum / total)
  })
}

const fast = { segmentationFn: segmenterNamed('grid', { rows: 2, columns: 3 }), randomSeed: 1 }

const saved: unknown[] = []
for (const options of [
  { numSamples: 12 },
  { numSamples: 'exact', keepSamples: false },
  { numSamples: 9, topLabels: null, labels: [2, 0] },
] as const) {
  const explanation = await new LimeImageExplainer({ randomState: 1 }).explainInstance(image, predict, {
    ...fast,
    ...options,
  })
  saved.push(JSON.parse(JSON.stringify(explanation)))
}

fuzz('explanations as JSON', {
  taken: 0.01,
  refused: 0.5,
  attempt(random) {
    const json = mutatedJson(random, pick(random, saved))
    const explanation = Explanation.fromJSON(json)
    // What was taken is what was given, to the last bit; what more was in the file is nobody's.
    const again: unknown = JSON.parse(JSON.stringify(explanation))
    must(typeof again === 'object' && again !== null && typeof json === 'object' && json !== null, 'no object')
    for (const [name, value] of Object.entries(again ?? {})) {
      const given: unknown = Reflect.get(json ?? {}, name)
      if (name === 'alpha' && given === undefined) continue
      // The first files lack it: it is not known then.
      if (name === 'evaluations' && given === undefined) {
        must(value === null, 'evaluations that no file says')
        continue
      }
      // Nor do they say how masks were drawn: there was one way.
      if (name === 'design' && given === undefined) {
        must(
          value === (explanation.sampling === 'exact' ? null : 'plain'),
          'a way to draw masks that there was not yet',
        )
        continue
      }
      must(JSON.stringify(value) === JSON.stringify(known(value, given)), `${name} came back otherwise`)
    }
    const { labels, segments, masks, probabilities } = explanation
    for (const label of labels) {
      const { mask } = explanation.getImageAndMask(label)
      must(mask.data.length === explanation.asked.height * explanation.asked.width, 'a mask of another size')
      must(
        explanation.weightsOf(label).every(([segment, weight]) => segment < masks.shape[1] && Number.isFinite(weight)),
        'a weight of no segment',
      )
      must(heatmap(explanation, label).data.length === overlay(explanation, label).data.length, 'pictures of two sizes')
      must(label < probabilities.shape[1] && Number.isFinite(explanation.localPred[label]), 'a label of no class')
    }
    must(new Set(segments.data).size === masks.shape[1], 'segments without a column')
  },
})

/** What is known of what was given: fields that no explanation has are left out. */
function known(like: unknown, given: unknown): unknown {
  if (typeof like !== 'object' || like === null || typeof given !== 'object' || given === null || Array.isArray(like))
    return given
  return Object.fromEntries(
    Object.keys(like).map((name) => [name, known(Reflect.get(like, name), Reflect.get(given, name))]),
  )
}

/** Options of which one or two are strange. */
function strangeOptions(random: Random, plain: object, names: readonly string[]): object {
  const options: Record<string, unknown> = { ...plain }
  for (let change = 0; change <= whole(random, 2); change++) options[pick(random, names)] = strangeValue(random)
  return options
}

const optionNames = [
  'labels',
  'topLabels',
  'hideColor',
  'batchSize',
  'segmentationFn',
  'randomSeed',
  'compatible',
  'factored',
  'signal',
  'onProgress',
  'numFeatures',
  'numSamples',
  'autoSamples',
  'keepSamples',
  'distanceMetric',
  'modelRegressor',
  'alpha',
  'strange',
]
const explainerNames = ['kernelWidth', 'kernel', 'verbose', 'featureSelection', 'randomState', 'strange']

/** The types forbid all this; people who write JavaScript do not see them. */
const anything = <T>(value: unknown) => value as T

fuzz('explain options', {
  taken: 0.02,
  refused: 0.3,
  async attempt(random) {
    const plain = { ...fast, numSamples: 8 }
    const what = random()
    const options = anything<ExplainOptions>(
      what < 0.6 ? strangeOptions(random, plain, optionNames) : what < 0.65 ? strangeValue(random) : plain,
    )
    const given = anything<object>(
      what > 0.65 && what < 0.9 ? strangeOptions(random, { randomState: 1 }, explainerNames) : { randomState: 1 },
    )
    const predictor = anything<Predictor>(what > 0.9 ? strangeValue(random) : predict)
    // A verbose explainer tells the terminal.
    const explainer = new LimeImageExplainer({
      ...given,
      ...('verbose' in given && given.verbose === true && { verbose: false }),
    })
    const explanation = await explainer.explainInstance(image, predictor, options)
    for (const label of explanation.labels)
      must(
        explanation.weightsOf(label).every(([, weight]) => Number.isFinite(weight)),
        'a weight that is no number',
      )
  },
})

fuzz('options of the other explainers', {
  refused: 0.3,
  async attempt(random) {
    const which = whole(random, 4)
    if (which === 0) {
      const options = strangeOptions(random, { ...fast, numSamples: 8 }, [...optionNames, 'of'])
      const { labels } = await new ShapleyImageExplainer({ randomState: 1 }).explainInstance(
        image,
        predict,
        anything<ShapleyOptions>(options),
      )
      must(labels.length > 0 || 'labels' in options, 'no labels')
      return
    }
    const explanation = Explanation.fromJSON(saved[0])
    const [label] = explanation.labels
    if (which === 1) {
      const options = strangeOptions(random, {}, [
        'label',
        'randomOrders',
        'seed',
        'batchSize',
        'factored',
        'signal',
        'onProgress',
      ])
      if (Reflect.get(options, 'randomOrders') === 1000) Reflect.set(options, 'randomOrders', 10)
      const { irof } = await faithfulnessOf(explanation, predict, options)
      must(Number.isFinite(irof), 'no number')
    } else if (which === 2) {
      explanation.getImageAndMask(
        random() < 0.3 ? anything<number>(strangeValue(random)) : label,
        strangeOptions(random, {}, ['positiveOnly', 'negativeOnly', 'hideRest', 'numFeatures', 'minWeight']),
      )
    } else {
      const options = strangeOptions(random, { runs: 2 }, ['runs', 'topFeatures', 'labels', 'numFeatures'])
      if (Number(typeof Reflect.get(options, 'runs') === 'number' && Reflect.get(options, 'runs')) > 3)
        Reflect.set(options, 'runs', 1e9)
      await new LimeImageExplainer({ randomState: 1 }).stability(image, predict, { ...fast, numSamples: 8, ...options })
    }
  },
})

fuzz('answers of a predict function', {
  taken: 0.001,
  refused: 0.3,
  async attempt(random) {
    const strange = () => {
      const rows: unknown[] = predict({ data: new Float64Array(2 * side * side), shape: [2, side, side, 1] })
      if (random() < 0.3) return strangeValue(random)
      if (random() < 0.3) return { data: strangeValue(random), shape: strangeValue(random) }
      rows[whole(random, rows.length)] = random() < 0.5 ? strangeValue(random) : [strangeValue(random), 0.5, 0.5]
      return rows
    }
    const predictor = anything<Predictor>((batch: ImageBatch) => (random() < 0.7 ? predict(batch) : strange()))
    const { probabilities } = await new LimeImageExplainer({ randomState: 1 }).explainInstance(image, predictor, {
      ...fast,
      numSamples: 8,
    })
    must(probabilities.data.every(Number.isFinite), 'a probability that is no number')
  },
})

fuzz('images', {
  refused: 0.5,
  attempt(random) {
    const given: Record<string, unknown> = { data: image.data, shape: image.shape }
    if (random() < 0.5) given.data = strangeValue(random)
    if (random() < 0.7)
      given.shape = random() < 0.5 ? strangeValue(random) : [strangeValue(random), strangeValue(random)]
    const taken = toImage(anything(random() < 0.1 ? strangeValue(random) : given))
    must(taken.data.length === taken.height * taken.width * taken.channels, 'sizes do not fit')
  },
})

const segmenterParameters = {
  quickshift: { kernel_size: 4, max_dist: 200, ratio: 0.2, sigma: 0, random_seed: 1 },
  felzenszwalb: { scale: 1, sigma: 0.8, min_size: 20 },
  slic: { n_segments: 10, compactness: 10, max_num_iter: 10, sigma: 0, start_label: 0, enforce_connectivity: true },
  watershed: { markers: 5, compactness: 0.001 },
  grid: { rows: 2, columns: 2 },
}

fuzz('segmenter parameters', {
  taken: 0.05,
  refused: 0.2,
  async attempt(random) {
    const [name, parameters] = pick(random, Object.entries(segmenterParameters))
    const options = strangeOptions(random, random() < 0.5 ? {} : parameters, Object.keys(parameters))
    const given = random() < 0.05 ? strangeValue(random) : options
    const picture = random() < 0.05 ? anything<typeof image>(strangeValue(random)) : image
    const map = await segmenterNamed(name, anything(given))(picture)
    must(map.data.length === side * side, 'a map of another size')
  },
})
