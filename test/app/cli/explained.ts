import { expect } from 'vitest'
import { readReference } from '../../reference-files.ts'
import { tensorOf } from '../../reference-tensors.ts'

/** What `limelight explain --json` prints. */
export interface ExplainResult {
  readonly index?: number
  readonly label?: number
  readonly predicted: number
  readonly probabilities: number[]
  readonly device: { readonly name: string; readonly adapter: string }
  readonly segments: { readonly count: number; readonly map: number[][] }
  readonly masks?: number[][]
  readonly explanation: Record<
    string,
    { intercept: number; score: number; localPrediction: number; weights: [number, number][] }
  >
  readonly timings: Record<string, number>
}

/** The recorded explanation of image 7270 with felzenszwalb, against what the command printed. */
export function expectRecorded(result: ExplainResult, tolerance: number): void {
  const recorded = readReference('lime-tutorial-true-felzenszwalb.safetensors')
  expect(result.segments.map.flat()).toEqual(Array.from(tensorOf(recorded, 'segments').data))
  const labels: number[] = JSON.parse(recorded.metadata.explained_labels)
  expect(Object.keys(result.explanation).map(Number).sort()).toEqual([...labels].sort())
  for (const label of labels) {
    const { weights, intercept, score, localPrediction } = result.explanation[label]
    const actual = new Map(weights)
    const features = Array.from(tensorOf(recorded, `exp/${label}/features`).data)
    const recordedWeights = tensorOf(recorded, `exp/${label}/weights`).data
    expect(actual.size).toBe(features.length)
    features.forEach((feature, i) => {
      expect(Math.abs((actual.get(feature) ?? Number.NaN) - recordedWeights[i])).toBeLessThan(tolerance)
    })
    expect(Math.abs(intercept - tensorOf(recorded, `exp/${label}/intercept`).data[0])).toBeLessThan(tolerance)
    expect(Math.abs(localPrediction - tensorOf(recorded, `exp/${label}/local_pred`).data[0])).toBeLessThan(tolerance)
    // R² is a ratio: where the probability itself is all but 0, float32 has no digits left to compare.
    if (result.probabilities[label] > 1e-3)
      expect(Math.abs(score - tensorOf(recorded, `exp/${label}/score`).data[0])).toBeLessThan(1e-3)
  }
}
