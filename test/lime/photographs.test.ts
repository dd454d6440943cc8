import { describe, expect, it } from 'vitest'
import { type PredictFn, RandomState } from '../../src/lime/index.ts'
import { sampleMasks } from '../../src/lime/samples/sampling.ts'
import { inOneGo } from '../../src/lime/steps.ts'
import { describeWithModels } from '../shared-models.ts'
import { probabilityError, recordedPhotograph, recordedPhotographs, withSqueezenet } from './recorded-photograph.ts'

describeWithModels('photographs explained as Python’s lime explains them', () => {
  describe.each(recordedPhotographs)('%s', (name) => {
    const { tensor, metadata, labels, image, explainer, options } = recordedPhotograph(name)

    it('from the recorded probabilities: segments, weights within 1e-9, intercept and score, masks', async () => {
      const recorded = tensor('probabilities').data
      let next = 0
      // Its columns are the labels explained.
      const replay: PredictFn = ({ shape: [count] }) => {
        const rows = Array.from({ length: count * labels.length }, () => recorded[next++])
        return { data: rows, shape: [count, labels.length] }
      }
      const columns = Array.from(labels.keys())
      const asked = { ...options, labels: columns, batchSize: 100 }
      const explanation = await explainer().explainInstance(image, replay, asked)
      expect(next).toBe(recorded.length)
      expect(explanation.segments.data).toEqual(tensor('segments').data)
      for (const [column, label] of labels.entries()) {
        const expected = tensor(`weights/${label}`).data
        expect(explanation.segmentCount).toBe(expected.length)
        const weights = explanation.weightsOf(column)
        expect(weights.map(([segment]) => segment).sort((a, b) => a - b)).toEqual(Array.from(expected.keys()))
        for (const [segment, weight] of weights) expect(Math.abs(weight - expected[segment])).toBeLessThan(1e-9)
        expect(explanation.intercept[column]).toBeCloseTo(JSON.parse(metadata.intercept)[label], 9)
        expect(explanation.score[column]).toBeCloseTo(JSON.parse(metadata.score)[label], 9)
        const { mask } = explanation.getImageAndMask(column, { positiveOnly: true, numFeatures: 5 })
        expect(mask.data).toEqual(tensor(`mask/${label}`).data)
      }
    })

    it('through our SqueezeNet: segments, and of the first 100 samples probabilities within 2e-4', {
      timeout: 600_000,
    }, async () => {
      await withSqueezenet(async (model) => {
        const few = { ...options, labels, numSamples: 100 }
        const explanation = await explainer().explainInstance(image, model, few)
        expect(explanation.segments.data).toEqual(tensor('segments').data)
        // The first of the record's thousand are these hundred.
        const all = inOneGo(sampleMasks(new RandomState(123), options.numSamples, explanation.segmentCount))
        expect(explanation.masks.data).toEqual(all.data.subarray(0, explanation.masks.data.length))
        expect(probabilityError(explanation.probabilities, labels, tensor('probabilities').data)).toBeLessThan(2e-4)
      })
    })
  })
})
