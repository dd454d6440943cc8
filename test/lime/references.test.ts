import { describe, expect, it } from 'vitest'
import { featureSelectionNamed, selectFeatures } from '../../src/lime/fit/feature-selection.ts'
import { lassoPath } from '../../src/lime/fit/lars.ts'
import { SampleMoments, targetMomentsOf } from '../../src/lime/fit/moments.ts'
import {
  type ImageBatch,
  type LimeImageExplainer,
  markBoundaries,
  type PredictFn,
  type SegmentPredictor,
} from '../../src/lime/index.ts'
import { inOneGo } from '../../src/lime/steps.ts'
import { readReference } from '../reference-files.ts'
import { largestError } from '../reference-tensors.ts'
import { recordedExplanation, recordedNames, segmenterOf } from './recorded-explanation.ts'

const open = (name: string) => recordedExplanation(readReference(`lime-${name}.safetensors`))

/** Answers with the recorded rows, one after another. */
function replaying(recorded: { data: ArrayLike<number>; shape: readonly number[] }): PredictFn {
  const classes = recorded.shape[1]
  let next = 0
  return ({ shape: [count] }) => {
    const data = Array.from({ length: count * classes }, () => recorded.data[next++])
    return { data, shape: [count, classes] }
  }
}

/** A predictor for the calls that only move the stream. */
const uniform: PredictFn = ({ shape: [count] }) => Array.from({ length: count }, () => new Array(10).fill(0.1))

/** The calls that Python made before on the same explainer. */
async function makePreviousCalls(explainer: LimeImageExplainer, metadata: Readonly<Record<string, string>>) {
  for (const { index, segmentation, explain } of JSON.parse(metadata.previous_calls_on_same_explainer)) {
    expect(index).toBe(7270)
    await explainer.explainInstance(open('tutorial-true-quickshift').image, uniform, {
      segmentationFn: segmenterOf(segmentation ?? 'default'),
      randomSeed: explain.random_seed,
    })
  }
}

describe.each(recordedNames)('the explanation %s equals Python lime', (name) => {
  const file = open(name)
  const { tensor, numbers } = file
  async function explain() {
    const explainer = file.explainer()
    await makePreviousCalls(explainer, file.metadata)
    return explainer.explainInstance(file.image, replaying(tensor('labels')), file.options)
  }
  const labels: number[] = JSON.parse(file.metadata.explained_labels)

  it('segments, fudged image, masks, distances and kernel weights', async () => {
    const explanation = await explain()
    expect(explanation.segments.data).toEqual(tensor('segments').data)
    expect(explanation.masks.shape).toEqual(tensor('data').shape)
    expect(explanation.masks.data).toEqual(tensor('data').data)
    expect(explanation.fudged.shape).toEqual(tensor('fudged').shape)
    expect(largestError(explanation.fudged.data, tensor('fudged').data)).toBeLessThan(1e-14)
    expect(largestError(explanation.distances, tensor('distances').data)).toBeLessThan(1e-14)
    expect(largestError(explanation.kernelWeights, tensor('kernel_weights').data)).toBeLessThan(1e-13)
  })

  it('labels, weights, intercept, score and local prediction', async () => {
    const explanation = await explain()
    if (JSON.parse(file.metadata.explain_instance).top_labels === null) expect(explanation.topLabels).toEqual([])
    else expect(explanation.topLabels).toEqual(numbers('top_labels'))
    expect([...explanation.labels].sort()).toEqual([...labels].sort())
    for (const label of labels) {
      const weights = explanation.localExp[label]
      const features = numbers(`exp/${label}/features`)
      expect(weights.map(([feature]) => feature)).toEqual(features)
      expect(
        largestError(
          weights.map(([, weight]) => weight),
          numbers(`exp/${label}/weights`),
        ),
      ).toBeLessThan(1e-10)
      expect(explanation.intercept[label]).toBeCloseTo(numbers(`exp/${label}/intercept`)[0], 10)
      expect(explanation.score[label]).toBeCloseTo(numbers(`exp/${label}/score`)[0], 10)
      expect(explanation.localPred[label]).toBeCloseTo(numbers(`exp/${label}/local_pred`)[0], 10)
    }
  })

  it('features in the order of their selection', async () => {
    const [rows, columns] = tensor('data').shape
    const weights = Float64Array.from(tensor('kernel_weights').data)
    const moments = inOneGo(SampleMoments.of({ data: tensor('data').data, rows, columns, weights }))
    const classes = tensor('labels').shape[1]
    const method = featureSelectionNamed(JSON.parse(file.metadata.explainer).feature_selection ?? 'auto')
    for (const label of labels) {
      const targets = Float64Array.from({ length: rows }, (_, row) => tensor('labels').data[row * classes + label])
      const target = inOneGo(targetMomentsOf(moments, targets))
      const selected = inOneGo(selectFeatures(method, moments, target, file.options.numFeatures ?? 100_000, 1))
      expect(selected).toEqual(numbers(`exp/${label}/selected`))
    }
  })

  it('getImageAndMask and markBoundaries', async () => {
    const explanation = await explain()
    const calls: [string, Record<string, number | boolean>][] = Object.entries(JSON.parse(file.metadata.mask_calls))
    for (const label of JSON.parse(file.metadata.masked_labels))
      for (const [call, python] of calls) {
        const { image, mask } = explanation.getImageAndMask(label, {
          positiveOnly: python.positive_only as boolean | undefined,
          negativeOnly: python.negative_only as boolean | undefined,
          hideRest: python.hide_rest as boolean | undefined,
          numFeatures: python.num_features as number | undefined,
          minWeight: python.min_weight as number | undefined,
        })
        const marked = markBoundaries(image, mask, { color: [0, 1, 0] })
        expect(mask.data).toEqual(tensor(`mask/${label}/${call}/mask`).data)
        expect(Float32Array.from(image.data)).toEqual(tensor(`mask/${label}/${call}/img`).data)
        expect(Float32Array.from(marked.data)).toEqual(tensor(`mask/${label}/${call}/marked`).data)
      }
  })
})

describe('the lasso path', () => {
  const { tensor, metadata } = open('lasso-path')
  it.each(JSON.parse(metadata.explained_labels) as number[])('of label %d equals lars_path', async (label) => {
    const [rows, columns] = tensor('data').shape
    const weights = Float64Array.from(tensor('kernel_weights').data)
    const moments = inOneGo(SampleMoments.of({ data: tensor('data').data, rows, columns, weights }))
    const classes = tensor('labels').shape[1]
    const targets = Float64Array.from({ length: rows }, (_, row) => tensor('labels').data[row * classes + label])
    const path = inOneGo(lassoPath(moments, inOneGo(targetMomentsOf(moments, targets)).products))
    expect(largestError(path.alphas, tensor(`exp/${label}/lars_alphas`).data)).toBeLessThan(1e-12)
    const expected = tensor(`exp/${label}/lars_coefs`)
    const steps = expected.shape[1]
    expect(path.coefficients.length).toBe(steps)
    path.coefficients.forEach((coefficients, step) => {
      const column = Array.from({ length: columns }, (_, feature) => expected.data[feature * steps + step])
      expect(largestError(coefficients, column)).toBeLessThan(1e-10)
      expect(Array.from(coefficients, (value) => value !== 0)).toEqual(column.map((value) => value !== 0))
    })
  })
})

/** The reference's synthetic predictor: softmax of a linear function of the quadrants' mean colours. */
function quadrantPredictor(weight: ArrayLike<number>, bias: ArrayLike<number>): PredictFn {
  return ({ data, shape: [count, height, width, channels] }: ImageBatch) => {
    expect(channels).toBe(3)
    const middleY = Math.floor(height / 2)
    const middleX = Math.floor(width / 2)
    return Array.from({ length: count }, (_, sample) => {
      const sums = new Float64Array(12)
      const counts = new Float64Array(4)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const quadrant = (y < middleY ? 0 : 2) + (x < middleX ? 0 : 1)
          counts[quadrant]++
          for (let c = 0; c < 3; c++) sums[quadrant * 3 + c] += data[((sample * height + y) * width + x) * 3 + c]
        }
      const logits = Array.from(bias, (b, k) =>
        sums.reduce((sum, value, i) => sum + (value / counts[Math.floor(i / 3)]) * weight[i * bias.length + k], b),
      )
      const exps = logits.map((logit) => Math.exp(logit - Math.max(...logits)))
      const total = exps.reduce((sum, value) => sum + value)
      return exps.map((value) => value / total)
    })
  }
}

describe('colour-quickshift through its own predictor', () => {
  const { tensor, numbers, image, explainer, options, metadata } = open('colour-quickshift')
  const predict = quadrantPredictor(tensor('predictor/weight').data, tensor('predictor/bias').data)

  it.each([10, 64, 5000])('in batches of %d: the recorded probabilities and explanation', async (batchSize) => {
    const sizes: number[] = []
    const counted: PredictFn = async (batch, context) => {
      sizes.push(batch.shape[0])
      return predict(batch, context)
    }
    const explanation = await explainer().explainInstance(image, counted, { ...options, batchSize })
    expect(Math.max(...sizes)).toBe(Math.min(batchSize, 1000))
    expect(sizes.reduce((sum, size) => sum + size)).toBe(1000)
    expect(largestError(explanation.probabilities.data, tensor('labels').data)).toBeLessThan(1e-13)
    for (const label of JSON.parse(metadata.explained_labels) as number[]) {
      const weights = explanation.localExp[label].map(([, weight]) => weight)
      expect(explanation.localExp[label].map(([feature]) => feature)).toEqual(numbers(`exp/${label}/features`))
      expect(largestError(weights, numbers(`exp/${label}/weights`))).toBeLessThan(1e-10)
    }
  })

  it('by a model that blends: the same explanation within float32', async () => {
    const model: SegmentPredictor = {
      inputShape: [96, 96, 3],
      async predictBlended({ image, fudged, segments, masks, count, segmentCount }) {
        const data = new Float32Array(count * image.length)
        for (let i = 0; i < data.length; i++) {
          const at = i % image.length
          const on = masks[Math.floor(i / image.length) * segmentCount + segments[Math.floor(at / 3)]]
          data[i] = on ? image[at] : fudged[at]
        }
        const rows = (await predict({ data, shape: [count, 96, 96, 3] }, {})) as number[][]
        return { data: Float32Array.from(rows.flat()), shape: [count, 4] }
      },
    }
    const explanation = await explainer().explainInstance(image, model, { ...options, numSamples: 100 })
    const plain = await explainer().explainInstance(image, predict, { ...options, numSamples: 100 })
    expect(largestError(explanation.probabilities.data, plain.probabilities.data)).toBeLessThan(1e-6)
    expect(explanation.masks).toEqual(plain.masks)
    expect(explanation.labels).toEqual(plain.labels)
    for (const label of plain.labels) expect(explanation.intercept[label]).toBeCloseTo(plain.intercept[label], 5)
  })
})
