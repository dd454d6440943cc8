import { afterAll, describe, expect, it } from 'vitest'
import { CpuDevice } from '../../src/engine/cpu/device.ts'
import {
  type Attribution,
  type ExplainOptions,
  type Explanation,
  explainerFor,
  grid,
  LimeImageExplainer,
  type PredictFn,
  type SegmentPredictor,
  ShapleyImageExplainer,
} from '../../src/lime/index.ts'
import { randomNetwork } from '../engine/blend/networks.ts'

/** The result of a tenth of the samples, on the way to the last one, which it leaves as it is. */

const device = new CpuDevice({ threads: 1 })
afterAll(() => device.dispose())

const side = 20
const image = {
  data: Float64Array.from({ length: side ** 2 }, (_, i) => 0.5 + 0.5 * Math.sin(i * i)),
  shape: [side, side, 1],
}

/** Keeps how many images each batch had that it was asked about, and what they summed up to. */
function watched(): PredictFn & { batches: (readonly [number, number])[] } {
  const batches: (readonly [number, number])[] = []
  const predict: PredictFn = ({ data, shape }) => {
    batches.push([shape[0], (data as Float64Array).reduce((sum, value, i) => sum + value * Math.sin(i), 0)])
    return Array.from({ length: shape[0] }, (_, sample) => {
      let sum = 0
      for (let i = 0; i < side ** 2; i++) sum += data[sample * side ** 2 + i] * Math.cos(i / 5)
      const p = 0.4 * Math.tanh(sum / 9)
      return [0.5 + p, 0.3 - p / 2, 0.2 - p / 2]
    })
  }
  return Object.assign(predict, { batches })
}

const options = { segmentationFn: grid({ rows: 5, columns: 4 }), randomSeed: 1 }
const saying = (attribution: Attribution) => ({ ...attribution.toJSON(), timings: 0 })
const lime = (predictor: PredictFn | SegmentPredictor, more: ExplainOptions = {}) =>
  new LimeImageExplainer({ randomState: 7 }).explainInstance(image, predictor, { ...options, ...more })

describe('a rough result', () => {
  it('is what a tenth of the samples say by themselves, and leaves the last one and its questions as they are', async () => {
    for (const numSamples of [1000, 250, 33]) {
      const rough: Explanation[] = []
      const [plain, told] = [watched(), watched()]
      const last = await lime(plain, { numSamples })
      expect(saying(await lime(told, { numSamples, onRough: (one) => rough.push(one) }))).toEqual(saying(last))
      expect(told.batches).toEqual(plain.batches)
      expect(rough.length).toBe(1)
      // Whole batches of ten.
      const samples = 10 * Math.ceil(numSamples / 100)
      expect(saying(rough[0])).toEqual(saying(await lime(watched(), { numSamples: samples })))
    }
  })

  it('of Shapley values is, too', async () => {
    const shapley = (more: object) =>
      new ShapleyImageExplainer({ randomState: 7 }).explainInstance(image, watched(), { ...options, ...more })
    const rough: Attribution[] = []
    const last = await shapley({ numSamples: 400 })
    expect(saying(await shapley({ numSamples: 400, onRough: (one: Attribution) => rough.push(one) }))).toEqual(
      saying(last),
    )
    expect(rough.map(saying)).toEqual([saying(await shapley({ numSamples: 40 }))])
  })

  it("comes of 'auto' after a tenth of its first samples and every round but the last", async () => {
    const rough: Explanation[] = []
    const autoSamples = { most: 2048, topFeatures: 20 }
    const last = await lime(watched(), { numSamples: 'auto', autoSamples })
    const told = await lime(watched(), { numSamples: 'auto', autoSamples, onRough: (one) => rough.push(one) })
    expect(saying(told)).toEqual(saying(last))
    expect(rough.map(({ samples }) => samples)).toEqual([60, 513, 1025].filter((samples) => samples < last.samples))
    expect(rough.length).toBeGreaterThan(1)
    expect(rough.every(({ settled, sampling }) => settled === false && sampling === 'auto')).toBe(true)
  })

  it("is none of 'exact', nor of so few samples that they are asked about at once", async () => {
    const rough: Explanation[] = []
    const onRough = (one: Explanation) => rough.push(one)
    await lime(watched(), { numSamples: 'exact', segmentationFn: grid({ rows: 3, columns: 2 }), onRough })
    await lime(watched(), { numSamples: 10, onRough })
    expect(rough).toEqual([])
  })

  it('comes of a request by any method', async () => {
    for (const method of ['lime', 'shapley'] as const) {
      const rough: Attribution[] = []
      const explain = explainerFor({ version: 1, method, samples: 200, segmenter: { name: 'grid' } })
      const last = await explain(image, watched(), { onRough: (one) => rough.push(one) })
      expect(rough.map(({ samples }) => samples)).toEqual([20])
      expect(rough[0].method).toBe(last.method)
    }
  })

  it('may end it all: nothing more is asked, and the stream stands where it stood', async () => {
    const explainer = new LimeImageExplainer({ randomState: 7 })
    for (const end of ['abort', 'throw']) {
      const predict = watched()
      const stop = new AbortController()
      const reason = new Error(end)
      const onRough = () => {
        if (end === 'throw') throw reason
        stop.abort(reason)
      }
      const call = explainer.explainInstance(image, predict, { ...options, onRough, signal: stop.signal })
      await expect(call).rejects.toBe(reason)
      expect(predict.batches.length).toBe(10)
    }
    const after = await explainer.explainInstance(image, watched(), options)
    expect(saying(after)).toEqual(saying(await lime(watched())))
  })

  it('comes of our own networks, whose answers it leaves to the last bit', async () => {
    let [told, shared] = [0, 0]
    for (let seed = 0; told < 12; seed++) {
      const { model, request } = randomNetwork(seed)
      await model.compile({ device })
      const segments = request.segmentCount
      const count = 300
      const masks = Uint8Array.from({ length: count * segments }, (_, i) => (Math.sin(i * i + seed) > 0 ? 1 : 0))
      for (const factored of [false, true]) {
        const parts: { data: Float32Array; shape: readonly number[] }[] = []
        const asked = { ...request, masks, count }
        const whole = await model.predictBlended(asked, { factored })
        const again = await model.predictBlended(asked, {
          factored,
          onRows: async ({ data, shape }) => {
            await null
            parts.push({ data: data.slice(), shape })
          },
        })
        expect(again).toEqual(whole)
        for (const { data, shape } of parts) {
          expect(shape).toEqual([data.length / whole.shape[1], whole.shape[1]])
          expect(shape[0]).toBeLessThan(count)
          expect(data).toEqual(whole.data.slice(0, data.length))
        }
        if (!factored) expect(parts.length).toBeGreaterThan(1)
        if (parts.length > 0) factored ? shared++ : told++
      }
      model.dispose()
    }
    expect(shared).toBeGreaterThan(0)
  })

  it('is asked of a model that blends by itself, as far as it says what it has', async () => {
    let seed = 0
    while (![1, 3].includes(randomNetwork(seed).model.inputShape[2])) seed++
    const { model, request } = randomNetwork(seed)
    await model.compile({ device })
    const [height, width] = model.inputShape
    const picture = { data: Float64Array.from(request.image), shape: model.inputShape }
    const segmentationFn = grid({ rows: Math.min(3, height), columns: Math.min(3, width) })
    const rough: Explanation[] = []
    const explained = async (onRough?: (one: Explanation) => void) =>
      new LimeImageExplainer({ randomState: 7 }).explainInstance(picture, model, {
        segmentationFn,
        randomSeed: 1,
        factored: false,
        onRough,
      })
    const last = await explained()
    expect(saying(await explained((one) => rough.push(one)))).toEqual(saying(last))
    expect(rough.length).toBe(1)
    expect(rough[0].samples).toBeGreaterThanOrEqual(100)
    expect(rough[0].samples).toBeLessThan(200)
    expect(rough[0].probabilities.data).toEqual(last.probabilities.data.slice(0, rough[0].probabilities.data.length))
    model.dispose()
  })

  it('of one value, or of a pair of classes, is of the same kind as the last one', async () => {
    /** Tells of a tenth of its rows before it gives all. */
    const blending = (answers: 'values' | 'pair', rowOf: (mask: Uint8Array) => number[]): SegmentPredictor => ({
      inputShape: image.shape,
      answers,
      async predictBlended({ masks, count, segmentCount }, { onRows }) {
        const rows = Array.from({ length: count }, (_, i) =>
          rowOf(masks.slice(i * segmentCount, (i + 1) * segmentCount)),
        )
        const matrix = (some: number[][]) => ({
          data: Float32Array.from(some.flat()),
          shape: [some.length, some[0].length] as const,
        })
        await onRows?.(matrix(rows.slice(0, Math.ceil(count / 10))))
        return matrix(rows)
      },
    })
    const sumOf = (mask: Uint8Array) => mask.reduce((sum, isOn, i) => sum + isOn * Math.sin(i), 0)
    const told = async (predictor: SegmentPredictor) => {
      const rough: Explanation[] = []
      const last = await lime(predictor, {
        labels: 'values' === predictor.answers ? [0] : [0, 1],
        onRough: (one) => rough.push(one),
      })
      expect(rough.map(({ labels }) => labels)).toEqual([last.labels])
      return rough[0]
    }
    const value = await told(blending('values', (mask) => [1000 * sumOf(mask)]))
    expect(Math.abs(value.localExp[0][0][1])).toBeGreaterThan(100)
    const { localExp } = await told(
      blending('pair', (mask) => {
        const p = 1 / (1 + Math.exp(-sumOf(mask)))
        return [1 - p, p]
      }),
    )
    expect(localExp[0]).toEqual(localExp[1].map(([segment, weight]) => [segment, -weight]))
  })
})
