import { describe, expect, it } from 'vitest'
import { plainWarnings } from '../../../../src/app/page/worker/plain-warnings.ts'
import { task } from '../../../../src/app/tasks/chosen-task.ts'
import { grid, LimeImageExplainer } from '../../../../src/lime/index.ts'

/** What the library warns of, as the page says it. */

const image = { data: new Float64Array(28 * 28).fill(1), shape: [28, 28, 1] }

/** Ten probabilities: of sneakers by how much is left of the upper left quarter, of shirts the rest, of all others none. */
async function predict({ data, shape: [count] }: { data: ArrayLike<number>; shape: readonly number[] }) {
  const size = data.length / count
  return Array.from({ length: count }, (_, i) => {
    const sneaker = Number(data[i * size]) * 0.9
    return Array.from({ length: 10 }, (_, label) => (label === 7 ? sneaker : label === 6 ? 1 - sneaker : 0))
  })
}

async function warned(numSamples: number) {
  const explanation = await new LimeImageExplainer().explainInstance(image, predict, {
    segmentationFn: grid({ rows: 2, columns: 2 }),
    hideColor: 0,
    numSamples,
    topLabels: 10,
  })
  const explained = explanation.labels.map((label) => ({
    label,
    probability: 0,
    weights: explanation.localExp[label],
    evidence: {
      method: 'lime' as const,
      intercept: 0,
      score: 0,
      localPrediction: 0,
      intervals: explanation.intervals(label),
    },
  }))
  return { said: explanation.warnings, plain: plainWarnings(explanation, explained, task.classNames) }
}

describe('a warning on the page', () => {
  it('says that the penalty decides with the class’s name and what to choose, and knows no alpha', async () => {
    const { said, plain } = await warned(20)
    expect(said.join()).toMatch(/alpha 1.* for label [67]/)
    expect(plain).toHaveLength(said.length)
    expect(plain.join()).toMatch(
      /The weights are not final: with endless samples segment 0 would get [+−]0\.9\d* for (Sneaker|Shirt), not [+−]0\.\d+\. .* “Every mixture”/,
    )
    expect(plain.join()).not.toMatch(/label|alpha/)
  })

  it('names the classes whose probability never changes', async () => {
    const { said, plain } = await warned(1000)
    expect(said.join()).toContain('the answer for labels')
    expect(plain.join()).toMatch(/^The probability of .*Trouser.* is the same whatever is hidden/)
    expect(plain.join()).not.toContain('label')
  })
})
