import { expect, it } from 'vitest'
import { FormatError } from '../../../../src/engine/errors.ts'
import { gradientOf, graphOf, integers, node, outputsOf } from './small-graphs.ts'

/** Beside ONNX's own cases (backend.test.ts). */

const constants = { labels: integers(2, 0) }
const graph = graphOf([node('SoftmaxCrossEntropyLoss: x, labels -> loss, log')], { constants })

it("cross-entropy's slope is what the probabilities are off by", async () => {
  const scores = [0.1, 0.7, -1, 2, 0, 1]
  const slopes = await gradientOf(graph, [2, 3], scores)
  const [{ data }] = await outputsOf(graphOf([node('Softmax: x -> y', { axis: 1 })]), [2, 3], scores)
  const isLabel = [0, 0, 1, 1, 0, 0]
  slopes.forEach((slope, i) => {
    expect(slope).toBeCloseTo((data[i] - isLabel[i]) / 2, 12)
  })
})

it('scores without classes are refused', async () => {
  await expect(outputsOf(graph, [2], [1, 2])).rejects.toThrow(FormatError)
})
