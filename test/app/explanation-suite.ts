import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tutorialArchitecture } from '../../src/app/networks/tutorial.ts'
import type { Device } from '../../src/engine/device.ts'
import type { Model } from '../../src/engine/facade/model.ts'
import { modelFromBytes } from '../../src/engine/facade/model-from-bytes.ts'
import type { Safetensors } from '../../src/engine/formats/safetensors.ts'
import { formatSafetensors } from '../../src/engine/formats/safetensors.ts'
import { modelToBytes } from '../../src/engine/formats/write-model.ts'
import type { LimeImageExplainer } from '../../src/lime/index.ts'
import { recordedExplanation, type recordedNames, segmenterOf } from '../lime/recorded-explanation.ts'
import { largestError } from '../reference-tensors.ts'

/** Explanations through our own network: images in, weights out, against Python lime with PyTorch. */
export interface ExplanationSuiteOptions {
  readonly name: string
  readonly open: () => Promise<Device>
  /** Reads a file of test/reference/. */
  readonly read: (name: string) => Promise<Safetensors>
  readonly explanations: readonly (typeof recordedNames)[number][]
  /** Largest difference of a probability and of a weight. */
  readonly tolerance: number
}

export function explanationSuite({ name, open, read, explanations, tolerance }: ExplanationSuiteOptions): void {
  describe(`explains through the network on ${name}`, () => {
    let device: Device
    let model: Model
    beforeAll(async () => {
      device = await open()
      const { tensors, metadata } = await read('model.safetensors')
      model = modelFromBytes(formatSafetensors(tensors, metadata), tutorialArchitecture(0))
      await model.compile({ device })
    })
    afterAll(() => {
      model?.dispose()
      device?.dispose()
    })

    it.each(explanations)('%s', async (recorded) => {
      const file = recordedExplanation(await read(`lime-${recorded}.safetensors`))
      const explain = async (factored: boolean) => {
        const explainer = file.explainer()
        await previousCalls(explainer, file.metadata.previous_calls_on_same_explainer)
        return explainer.explainInstance(file.image, model, { ...file.options, factored })
      }
      const explanation = await explain(true)
      const { tensor } = file
      // Every sample by itself comes to the same.
      const { probabilities } = await explain(false)
      expect(largestError(explanation.probabilities.data, probabilities.data)).toBeLessThan(5e-6)
      expect(largestError(probabilities.data, tensor('labels').data)).toBeLessThan(tolerance)
      expect(explanation.segments.data).toEqual(tensor('segments').data)
      expect(explanation.masks.data).toEqual(tensor('data').data)
      expect(largestError(explanation.probabilities.data, tensor('labels').data)).toBeLessThan(tolerance)
      const labels: number[] = JSON.parse(file.metadata.explained_labels)
      expect([...explanation.labels].sort()).toEqual([...labels].sort())
      for (const label of labels) {
        const features = Array.from(tensor(`exp/${label}/features`).data)
        const weights = new Map(features.map((feature, i) => [feature, tensor(`exp/${label}/weights`).data[i]]))
        const actual = new Map(explanation.localExp[label])
        expect([...actual.keys()].sort()).toEqual([...weights.keys()].sort())
        for (const [segment, weight] of actual)
          expect(
            Math.abs(weight - (weights.get(segment) ?? Number.NaN)),
            `label ${label}, segment ${segment}`,
          ).toBeLessThan(tolerance)
        expect(Math.abs(explanation.intercept[label] - tensor(`exp/${label}/intercept`).data[0])).toBeLessThan(
          tolerance,
        )
        expect(Math.abs(explanation.localPred[label] - tensor(`exp/${label}/local_pred`).data[0])).toBeLessThan(
          tolerance,
        )
      }
    })

    /** What Python explained before on the same explainer: it moves the random stream. */
    async function previousCalls(explainer: LimeImageExplainer, description: string): Promise<void> {
      for (const { segmentation, explain } of JSON.parse(description)) {
        const file = recordedExplanation(await read('lime-tutorial-true-quickshift.safetensors'))
        await explainer.explainInstance(file.image, model, {
          segmentationFn: segmenterOf(segmentation ?? 'default'),
          randomSeed: explain.random_seed,
        })
      }
    }

    it('keeps a model that goes through bytes', async () => {
      const copy = modelFromBytes(modelToBytes(model))
      expect(copy.summary()).toBe(model.summary())
      expect(copy.weights.map(({ data }) => data)).toEqual(model.weights.map(({ data }) => data))
    })
  })
}
