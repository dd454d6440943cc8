import { expect, it } from 'vitest'
import { describeWithModels } from '../shared-models.ts'
import { probabilityError, recordedPhotograph, recordedPhotographs, withSqueezenet } from './recorded-photograph.ts'

/** A thousand samples a photograph: photographs.test.ts has the first hundred, and the weights of the recorded answers. */
describeWithModels('photographs explained through our SqueezeNet as Python’s lime explains them', () => {
  it.each(recordedPhotographs)('%s: probabilities within 2e-4, weights within 5e-4 of the largest', async (name) => {
    const { tensor, labels, image, explainer, options } = recordedPhotograph(name)
    await withSqueezenet(async (model) => {
      const explanation = await explainer().explainInstance(image, model, { ...options, labels })
      expect(explanation.segments.data).toEqual(tensor('segments').data)
      const probabilities = probabilityError(explanation.probabilities, labels, tensor('probabilities').data)
      const weights = labels.map((label) => {
        const expected = tensor(`weights/${label}`).data
        const largest = Math.max(...Array.from(expected, Math.abs))
        const found = explanation.weightsOf(label)
        expect(found).toHaveLength(expected.length)
        return Math.max(...found.map(([segment, weight]) => Math.abs(weight - expected[segment]) / largest))
      })
      const { prediction } = explanation.timings
      console.info(
        `${name}: probabilities within ${probabilities.toExponential(1)}, weights within ${Math.max(...weights).toExponential(1)} of the largest; ${(prediction / 1000).toFixed(0)} s`,
      )
      expect(probabilities).toBeLessThan(2e-4)
      for (const error of weights) expect(error).toBeLessThan(5e-4)
    })
  })
})
