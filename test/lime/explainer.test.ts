import { describe, expect, it } from 'vitest'
import { ArgumentError, ShapeError } from '../../src/engine/errors.ts'
import {
  type ImageBatch,
  LimeImageExplainer,
  type PredictFn,
  RandomState,
  rgbToGray,
  type SegmentationFn,
  type SegmentPredictor,
} from '../../src/lime/index.ts'

const height = 8
const width = 10

/** Six segments: two rows of three, with labels from `start` on. */
function blocks(start = 0): SegmentationFn {
  return (image) => {
    const data = Int32Array.from({ length: image.height * image.width }, (_, pixel) => {
      const y = Math.floor(pixel / image.width)
      return start + (y < image.height / 2 ? 0 : 3) + Math.floor(((pixel % image.width) * 3) / image.width)
    })
    return { data, shape: [image.height, image.width] }
  }
}

function pixels(count: number, seed = 1): Float64Array {
  const random = new RandomState(seed)
  return Float64Array.from({ length: count }, () => random.randomSample())
}

const grey = { data: pixels(height * width), shape: [height, width] }
const colour = { data: pixels(height * width * 3), shape: [height, width, 3] }

/** Probabilities from each image's mean and the mean of its left half; the same for a grey image and its RGB. */
const byBrightness: PredictFn = ({ data, shape: [count, h, w, c] }: ImageBatch) =>
  Array.from({ length: count }, (_, sample) => {
    let all = 0
    let left = 0
    for (let pixel = 0; pixel < h * w; pixel++) {
      const value = data[(sample * h * w + pixel) * c]
      all += value / (h * w)
      if (pixel % w < w / 2) left += value / (h * w)
    }
    return [1 - all, all - left, left]
  })

const explainer = () => new LimeImageExplainer({ randomState: 5 })
const options = { segmentationFn: blocks(), numSamples: 80, randomSeed: 1 }

/** A model that blends by itself, with the brightness predictor inside. */
function blender(inputShape: number[], predict = byBrightness): SegmentPredictor & { seen: number[] } {
  const seen: number[] = []
  return {
    inputShape,
    seen,
    async predictBlended({ image, fudged, segments, masks, count, segmentCount }, { onProgress }) {
      seen.push(image.length, fudged.length, segments.length, masks.length, segmentCount)
      const [h, w, c = 1] = inputShape
      const data = Float32Array.from({ length: count * image.length }, (_, i) => {
        const at = i % image.length
        const on = masks[Math.floor(i / image.length) * segmentCount + segments[Math.floor(at / c)]]
        return on ? image[at] : fudged[at]
      })
      const rows = (await predict({ data, shape: [count, h, w, c] }, {})) as number[][]
      onProgress?.(count, count)
      return { data: Float32Array.from(rows.flat()), shape: [count, rows[0].length] }
    },
  }
}

describe('explainInstance', () => {
  it('explains a grey [H, W] image as RGB and [H, W, 1] natively, alike', async () => {
    const channels: number[] = []
    const predict: PredictFn = (batch, context) => {
      channels.push(batch.shape[3])
      return byBrightness(batch, context)
    }
    const flat = await explainer().explainInstance(grey, predict, options)
    const native = await explainer().explainInstance({ ...grey, shape: [height, width, 1] }, predict, options)
    expect(new Set(channels.slice(0, 8))).toEqual(new Set([3]))
    expect(new Set(channels.slice(8))).toEqual(new Set([1]))
    expect(native.localExp).toEqual(flat.localExp)
    expect(native.image).toEqual(flat.image)
    expect(native.fudged).toEqual(flat.fudged)
    expect(flat.image.shape).toEqual([height, width, 3])
  })

  it('gives the predictor whole images in row 0 and fudged segments where the mask is 0', async () => {
    const batches: ImageBatch[] = []
    const predict: PredictFn = (batch, context) => {
      batches.push(batch)
      return byBrightness(batch, context)
    }
    const explanation = await explainer().explainInstance(colour, predict, { ...options, hideColor: [9, 8, 7] })
    const all = batches.flatMap((batch) => Array.from(batch.data))
    const size = colour.data.length
    expect(all.slice(0, size)).toEqual(Array.from(colour.data))
    const segments = explanation.segments.data
    for (let i = 0; i < all.length; i++) {
      const at = i % size
      const on = explanation.masks.data[Math.floor(i / size) * 6 + segments[Math.floor(at / 3)]]
      expect(all[i]).toBe(on ? colour.data[at] : [9, 8, 7][at % 3])
    }
  })

  it('keeps one stream across calls, which randomState may share', async () => {
    const shared = new RandomState(5)
    const one = explainer()
    const two = new LimeImageExplainer({ randomState: shared })
    const first = await one.explainInstance(grey, byBrightness, options)
    const second = await one.explainInstance(grey, byBrightness, options)
    expect(second.masks).not.toEqual(first.masks)
    expect((await two.explainInstance(grey, byBrightness, options)).masks).toEqual(first.masks)
    expect((await two.explainInstance(grey, byBrightness, options)).masks).toEqual(second.masks)
    const draws = new RandomState(5)
    draws.randint(0, 2, 2 * 80 * 6)
    expect(shared.nextUint32()).toBe(draws.nextUint32())
  })

  it('draws randomSeed from the stream when none is given, and passes it to the segmenter', async () => {
    const seeds: number[] = []
    const segmentationFn: SegmentationFn = async (image, context) => {
      seeds.push(context.randomSeed)
      return blocks()(image, context)
    }
    const explanation = await explainer().explainInstance(grey, byBrightness, { segmentationFn, numSamples: 20 })
    const stream = new RandomState(5)
    const seed = stream.randint(0, 1000)
    expect(seeds).toEqual([seed])
    expect(explanation.randomSeed).toBe(seed)
    expect(Array.from(explanation.masks.data.slice(6))).toEqual(Array.from(stream.randint(0, 2, 120).slice(6)))
  })

  it('explains the given labels, and by default the five most probable', async () => {
    const given = await explainer().explainInstance(grey, byBrightness, { ...options, labels: [2, 0] })
    expect(given.labels).toEqual([2, 0])
    expect(given.topLabels).toEqual([])
    const top = await explainer().explainInstance(grey, byBrightness, options)
    const [p0, p1, p2] = top.probabilities.data
    expect(top.labels.length).toBe(3)
    expect(top.topLabels[0]).toBe([p0, p1, p2].indexOf(Math.max(p0, p1, p2)))
    const two = await explainer().explainInstance(grey, byBrightness, { ...options, topLabels: 2, labels: [9] })
    expect(two.labels).toEqual(top.labels.slice(0, 2))
  })

  it('reports its phases in order', async () => {
    const phases: string[] = []
    await explainer().explainInstance(grey, byBrightness, {
      ...options,
      batchSize: 40,
      onProgress: ({ phase, done, total }) => {
        // What takes long is told in between, too.
        if (Number.isInteger(done)) phases.push(`${phase} ${done}/${total}`)
      },
    })
    expect(phases).toEqual([
      'segmentation 0/1',
      'segmentation 1/1',
      'prediction 40/80',
      'prediction 80/80',
      // Three labels and their intervals.
      'fit 1/4',
      'fit 2/4',
      'fit 3/4',
      'fit 4/4',
    ])
  })

  it('takes every mask once when numSamples is exact, and draws nothing for it', async () => {
    const randomState = new RandomState(5)
    const seen: string[] = []
    const watching: PredictFn = (batch, context) => {
      const size = batch.data.length / batch.shape[0]
      for (let i = 0; i < batch.shape[0]; i++) seen.push(batch.data.slice(i * size, (i + 1) * size).join())
      return byBrightness(batch, context)
    }
    const exact = await new LimeImageExplainer({ randomState }).explainInstance(grey, watching, {
      ...options,
      numSamples: 'exact',
    })
    expect(exact.samples).toBe(64)
    const rows = seen.slice(0, 64)
    expect(seen).toHaveLength(64)
    expect(new Set(rows).size).toBe(64)
    expect(randomState.standsAt(new RandomState(5).snapshot())).toBe(true)
  })

  it('warns of maps with fewer than three segments, and only of them', async () => {
    const one: SegmentationFn = (image) => ({
      data: new Int32Array(image.height * image.width),
      shape: [image.height, image.width],
    })
    const poor = await explainer().explainInstance(grey, byBrightness, { ...options, segmentationFn: one })
    expect(poor.warnings.join()).toMatch(/only 1 segment:/)
    const fine = await explainer().explainInstance(grey, byBrightness, options)
    expect(fine.warnings.filter((warning) => /the image has only/.test(warning))).toEqual([])
  })

  it('says how long the parts took', async () => {
    const { timings } = await explainer().explainInstance(grey, byBrightness, options)
    expect(timings.segmentation + timings.prediction + timings.fit).toBeCloseTo(timings.total, 6)
  })

  it("fits with the caller's regressor, kernel and distance", async () => {
    const kernels: number[] = []
    const custom = new LimeImageExplainer({
      randomState: 5,
      kernelWidth: 2,
      kernel: (distance, kernelWidth) => {
        kernels.push(kernelWidth)
        return 1 / (1 + distance)
      },
    })
    const explanation = await custom.explainInstance(grey, byBrightness, {
      ...options,
      distanceMetric: 'hamming',
      modelRegressor: ({ shape: [, features], weights }) => {
        expect(weights[0]).toBe(1)
        return { coefficients: Array.from({ length: features }, (_, i) => i), intercept: 3 }
      },
    })
    expect(new Set(kernels)).toEqual(new Set([2]))
    const [label] = explanation.labels
    expect(explanation.intercept[label]).toBe(3)
    expect(explanation.localExp[label].map(([, weight]) => weight)).toEqual([5, 4, 3, 2, 1, 0])
    expect(explanation.localPred[label]).toBe(3 + 15)
    const zeros = explanation.masks.data.slice(6, 12).filter((bit) => bit === 0).length
    expect(explanation.distances[1]).toBe(zeros / 6)
  })
})

describe('labels that do not start at 0', () => {
  it('are renumbered by default: the same explanation', async () => {
    const from0 = await explainer().explainInstance(grey, byBrightness, options)
    const from1 = await explainer().explainInstance(grey, byBrightness, { ...options, segmentationFn: blocks(1) })
    const negative = await explainer().explainInstance(grey, byBrightness, { ...options, segmentationFn: blocks(-40) })
    expect(from1.segments.data).toEqual(from0.segments.data)
    expect([from0, from1].map(({ segmentIds }) => segmentIds[0])).toEqual([0, 1])
    expect(from1.localExp).toEqual(from0.localExp)
    expect(negative.localExp).toEqual(from0.localExp)
  })

  it('keep their numbers under compatible: column 0 switches nothing, the last segment is never hidden', async () => {
    const settings = { ...options, segmentationFn: blocks(1), compatible: true, hideColor: -1 }
    const batches: number[] = []
    const predict: PredictFn = (batch, context) => {
      batches.push(...batch.data)
      return byBrightness(batch, context)
    }
    const explanation = await explainer().explainInstance(colour, predict, settings)
    expect(Array.from(new Set(explanation.segments.data)).sort()).toEqual([1, 2, 3, 4, 5, 6])
    expect(explanation.masks.shape).toEqual([80, 6])
    const size = colour.data.length
    for (let i = 0; i < batches.length; i++) {
      const label = explanation.segments.data[Math.floor((i % size) / 3)]
      const on = label === 6 || explanation.masks.data[Math.floor(i / size) * 6 + label] === 1
      expect(batches[i]).toBe(on ? colour.data[i % size] : -1)
    }
    const blended = await explainer().explainInstance(colour, blender([height, width, 3]), settings)
    for (let i = 0; i < explanation.probabilities.data.length; i++)
      expect(blended.probabilities.data[i]).toBeCloseTo(explanation.probabilities.data[i], 5)
  })
})

describe('a model that blends by itself', () => {
  it('gets grey images in one channel, and says the same as a function', async () => {
    const model = blender([height, width, 1])
    const blended = await explainer().explainInstance(grey, model, options)
    expect(model.seen).toEqual([80, 80, 80, 480, 6])
    const plain = await explainer().explainInstance(grey, byBrightness, options)
    expect(blended.masks).toEqual(plain.masks)
    for (let i = 0; i < plain.probabilities.data.length; i++)
      expect(blended.probabilities.data[i]).toBeCloseTo(plain.probabilities.data[i], 6)
    expect(blended.image).toEqual(plain.image)
  })

  it('gets a colour image as luminance when it has one channel, a grey one repeated when it has three', async () => {
    const one = await explainer().explainInstance(colour, blender([height, width, 1]), options)
    const luminance = { data: rgbToGray(colour.data), shape: [height, width, 1] }
    const direct = await explainer().explainInstance(luminance, byBrightness, options)
    for (let i = 0; i < direct.probabilities.data.length; i++)
      expect(one.probabilities.data[i]).toBeCloseTo(direct.probabilities.data[i], 6)
    const three = blender([height, width, 3])
    await explainer().explainInstance(grey, three, { ...options, hideColor: [1, 0, 0] })
    expect(three.seen.slice(0, 2)).toEqual([240, 240])
  })

  it('of another size is a ShapeError that says both', async () => {
    await expect(explainer().explainInstance(grey, blender([28, 28, 1]), options)).rejects.toThrow(ShapeError)
    await expect(explainer().explainInstance(grey, blender([28, 28, 1]), options)).rejects.toThrow(
      /\[28, 28, 1\].*\[8, 10\]/,
    )
    await expect(explainer().explainInstance(grey, blender([80]), options)).rejects.toThrow(ShapeError)
  })
})

describe('abort', () => {
  it.each(['in the first batch', 'midway', 'while segmenting', 'before the start'])(
    '%s throws the reason, and the next call is as if there had been none',
    async (moment) => {
      const controller = new AbortController()
      const reason = new Error('enough')
      const one = explainer()
      let calls = 0
      if (moment === 'before the start') controller.abort(reason)
      const call = one.explainInstance(
        grey,
        (batch, context) => {
          calls++
          if (moment === 'midway' && calls === 4) controller.abort(reason)
          // This predictor never answers: only the abort can end the call.
          if (moment === 'in the first batch') {
            setTimeout(() => controller.abort(reason), 5)
            return new Promise(() => {})
          }
          return byBrightness(batch, context)
        },
        {
          segmentationFn: (image, context) => {
            if (moment === 'while segmenting') controller.abort(reason)
            return blocks()(image, context)
          },
          numSamples: 80,
          signal: controller.signal,
        },
      )
      await expect(call).rejects.toBe(reason)
      expect(calls).toBe({ 'in the first batch': 1, midway: 4 }[moment] ?? 0)
      const { segmentationFn, numSamples } = options
      const next = await one.explainInstance(grey, byBrightness, { segmentationFn, numSamples })
      const fresh = await explainer().explainInstance(grey, byBrightness, { segmentationFn, numSamples })
      expect(next.masks).toEqual(fresh.masks)
      expect(next.localExp).toEqual(fresh.localExp)
    },
  )

  it('interrupts even a predictor that never waits', async () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort('stop'), 1)
    const busy: PredictFn = (batch, context) => {
      const until = performance.now() + 5
      while (performance.now() < until);
      return byBrightness(batch, context)
    }
    const call = explainer().explainInstance(grey, busy, { ...options, numSamples: 100_000, signal: controller.signal })
    await expect(call).rejects.toBe('stop')
  })

  it('hides what a model throws because of it', async () => {
    const controller = new AbortController()
    const model: SegmentPredictor = {
      inputShape: [height, width, 1],
      async predictBlended() {
        controller.abort('mine')
        throw new Error('device gave up')
      },
    }
    await expect(explainer().explainInstance(grey, model, { ...options, signal: controller.signal })).rejects.toBe(
      'mine',
    )
  })

  it('of one call does not repeat draws that another call on the same explainer got meanwhile', async () => {
    const one = explainer()
    const controller = new AbortController()
    const hung = one.explainInstance(grey, () => new Promise(() => {}), { ...options, signal: controller.signal })
    const other = await one.explainInstance(grey, byBrightness, options)
    controller.abort('stop')
    await expect(hung).rejects.toBe('stop')
    const next = await one.explainInstance(grey, byBrightness, options)
    expect(next.masks).not.toEqual(other.masks)
  })
})

describe('wrong input is a typed error', () => {
  const explain = (change: object, image: unknown = grey, predict: unknown = byBrightness) =>
    explainer().explainInstance(image as typeof grey, predict as PredictFn, { ...options, ...change })

  it.each([
    ['numSamples', { numSamples: 0 }],
    ['numSamples', { numSamples: 2.5 }],
    ['batchSize', { batchSize: -1 }],
    ['numFeatures', { numFeatures: 0 }],
    ['topLabels', { topLabels: 0 }],
    ['label 7', { labels: [7] }],
    ['label -1', { labels: [-1] }],
    ['hideColor', { hideColor: [1, 2] }],
    ['hideColor', { hideColor: Number.NaN }],
    ['distance metric', { distanceMetric: 'nearness' }],
    ['all ones', { distanceMetric: 'correlation' }],
    ['label map', { segmentationFn: () => undefined }],
    ['modelRegressor', { modelRegressor: () => ({ coefficients: [1], intercept: 0 }) }],
    ['modelRegressor', { modelRegressor: () => ({ coefficients: [1, 2, 3, 4, 5, 6], intercept: Number.NaN }) }],
    ['at most 16 segments', { numSamples: 'exact', segmentationFn: (image: never) => everyPixel(image) }],
  ])('option: %s %j', async (message, change) => {
    await expect(explain(change)).rejects.toThrow(ArgumentError)
    await expect(explain(change)).rejects.toThrow(message)
  })

  function everyPixel(image: { height: number; width: number }) {
    return {
      data: Int32Array.from({ length: image.height * image.width }, (_, i) => i),
      shape: [image.height, image.width],
    }
  }

  it('a label map of another size', async () => {
    const small = () => ({ data: new Int32Array(9), shape: [3, 3] })
    await expect(explain({ segmentationFn: small })).rejects.toThrow(ShapeError)
  })

  it('labels that are no integers', async () => {
    const halves = () => ({ data: new Float32Array(80).fill(0.5), shape: [8, 10] })
    await expect(explain({ segmentationFn: halves })).rejects.toThrow(ArgumentError)
  })

  it.each([
    ['the wrong length', { data: new Float64Array(7), shape: [2, 3] }],
    ['four channels', { data: new Float64Array(16), shape: [2, 2, 4] }],
    ['one dimension', { data: new Float64Array(4), shape: [4] }],
    ['no pixels', { data: new Float64Array(0), shape: [0, 3] }],
    ['no shape', { data: new Float64Array(4) }],
  ])('an image with %s', async (_, image) => {
    await expect(explain({}, image)).rejects.toThrow(ShapeError)
  })

  it('an image with values that are not finite, naming the first', async () => {
    const data = new Float64Array(80)
    data[13] = Number.NaN
    await expect(explain({}, { data, shape: [8, 10] })).rejects.toThrow(/position 13 is NaN/)
    await expect(explain({}, { data: [1], shape: [1, 1] })).rejects.toThrow(ArgumentError)
  })

  it('a predictor that is none, or answers nonsense', async () => {
    await expect(explain({}, grey, 3)).rejects.toThrow(ArgumentError)
    await expect(explain({}, grey, {})).rejects.toThrow(ArgumentError)
    const answer = (value: unknown) => explain({}, grey, () => value)
    await expect(answer(undefined)).rejects.toThrow(ArgumentError)
    await expect(answer([[1, 2]])).rejects.toThrow(ShapeError)
    await expect(answer([])).rejects.toThrow(ShapeError)
    await expect(answer({ data: new Float32Array(10), shape: [5, 2] })).rejects.toThrow(ShapeError)
    await expect(answer({ data: new Float32Array(10), shape: [10, 2] })).rejects.toThrow(ShapeError)
    await expect(answer(Array.from({ length: 10 }, (_, i) => new Array(1 + (i % 2)).fill(1)))).rejects.toThrow(
      ShapeError,
    )
    await expect(answer(Array.from({ length: 10 }, () => [0.5, Number.NaN]))).rejects.toThrow(/NaN.*class 1/)
    let classes = 2
    const growing = () => ({ data: new Array(10 * ++classes).fill(0), shape: [10, classes] })
    await expect(explain({}, grey, growing)).rejects.toThrow(ShapeError)
  })

  it("passes the predictor's own error on, and keeps the stream", async () => {
    const failure = new TypeError('no weights')
    const one = explainer()
    const call = one.explainInstance(
      grey,
      () => {
        throw failure
      },
      options,
    )
    await expect(call).rejects.toBe(failure)
    const fresh = await explainer().explainInstance(grey, byBrightness, options)
    expect((await one.explainInstance(grey, byBrightness, options)).masks).toEqual(fresh.masks)
  })

  it('in the constructor', () => {
    expect(() => new LimeImageExplainer({ kernelWidth: 0 })).toThrow(ArgumentError)
    expect(() => new LimeImageExplainer({ featureSelection: 'best' })).toThrow(/highest_weights/)
    expect(() => new LimeImageExplainer({ randomState: -1 })).toThrow(ArgumentError)
  })

  it('a kernel that gives negative weights, or none at all', async () => {
    for (const kernel of [() => -1, () => Number.NaN, () => 0]) {
      const call = new LimeImageExplainer({ kernel, randomState: 1 }).explainInstance(grey, byBrightness, options)
      await expect(call).rejects.toThrow(ArgumentError)
    }
  })
})

describe('getImageAndMask', () => {
  it('refuses labels that were not explained and both flags at once, and says which labels there are', async () => {
    const explanation = await explainer().explainInstance(grey, byBrightness, { ...options, labels: [2, 0] })
    expect(() => explanation.getImageAndMask(1)).toThrow(ArgumentError)
    expect(() => explanation.getImageAndMask(1)).toThrow(/explained are 2, 0/)
    expect(() => explanation.getImageAndMask(2, { positiveOnly: true, negativeOnly: true })).toThrow(
      /explained are 2, 0/,
    )
    expect(() => explanation.getImageAndMask(2, { numFeatures: -1 })).toThrow(ArgumentError)
  })

  it('takes negativeOnly alone as what it says', async () => {
    const dark = { ...options, labels: [0], hideColor: 0 }
    const explanation = await explainer().explainInstance(grey, byBrightness, dark)
    const alone = explanation.getImageAndMask(0, { negativeOnly: true })
    expect(alone).toEqual(explanation.getImageAndMask(0, { positiveOnly: false, negativeOnly: true }))
    const shown = new Set(Array.from(explanation.segments.data).filter((_, pixel) => alone.mask.data[pixel] === 1))
    const negative = explanation.localExp[0].filter(([, weight]) => weight < 0).map(([segment]) => segment)
    expect(shown).toEqual(new Set(negative.slice(0, 5)))
    expect(shown.size).toBeGreaterThan(0)
  })

  it('leaves the explanation as it is', async () => {
    const explanation = await explainer().explainInstance(colour, byBrightness, options)
    const before = Array.from(explanation.image.data)
    const { image } = explanation.getImageAndMask(explanation.labels[0], { positiveOnly: false })
    image.data.fill(0)
    expect(Array.from(explanation.image.data)).toEqual(before)
    expect(Array.from(colour.data)).toEqual(before)
  })
})

describe('bytes', () => {
  it('lose the fraction of a mean colour, as in Python, and reach the predictor as 0..255', async () => {
    const image = { data: Uint8Array.from({ length: 80 }, (_, i) => (i * 37) % 256), shape: [8, 10, 1] }
    const seen: number[] = []
    const predict: PredictFn = ({ data, shape: [count] }) => {
      seen.push(...data)
      return Array.from({ length: count }, () => [1, 0])
    }
    const explanation = await explainer().explainInstance(image, predict, options)
    expect(seen.slice(0, 80)).toEqual(Array.from(image.data))
    const first = Array.from(image.data).filter((_, pixel) => explanation.segments.data[pixel] === 0)
    const mean = first.reduce((sum, value) => sum + value) / first.length
    expect(mean % 1).not.toBe(0)
    expect(explanation.fudged.data[0]).toBe(Math.floor(mean))
  })
})
