import seedrandom from 'seedrandom'
import { describe, expect, it } from 'vitest'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import {
  accuracy,
  classificationReport,
  confusionMatrix,
  formatConfusionMatrix,
} from '../../../src/engine/training/metrics.ts'
import { readReference } from '../../reference-files.ts'
import { tensorOf } from '../../reference-tensors.ts'

const reference = readReference('model-eval.safetensors')
const trueLabels = tensorOf(reference, 'true').data
const predicted = tensorOf(reference, 'predicted').data
const targetNames = JSON.parse(reference.metadata.class_labels) as string[]

/** Labels of `classes` classes, half of them guessed right. */
function randomLabels(seed: string, count: number, classes: number) {
  const random = seedrandom(seed)
  const label = () => Math.floor(random() * classes)
  const given = Array.from({ length: count }, label)
  return { given, guessed: given.map((right) => (random() < 0.5 ? right : label())) }
}

describe('on the reference network and the 10,000 test images', () => {
  it('accuracy is the reference', () => {
    expect(accuracy(trueLabels, predicted)).toBe(0.9117)
  })

  it('the confusion matrix is the reference, rows true, columns predicted', () => {
    expect(confusionMatrix(trueLabels, predicted, 10).flat()).toEqual([...tensorOf(reference, 'confusion_matrix').data])
  })

  it('precision, recall, f1 and support of every class are the reference', () => {
    const { classes } = classificationReport(trueLabels, predicted, { targetNames })
    for (const score of ['precision', 'recall', 'f1', 'support'] as const)
      expect(
        classes.map((row) => row[score]),
        score,
      ).toEqual([...tensorOf(reference, score).data])
    expect(classes.map(({ name }) => name)).toEqual(targetNames)
  })

  it("the report's text is scikit-learn's with 2 and with 4 digits", () => {
    expect(classificationReport(trueLabels, predicted, { targetNames }).text).toBe(
      reference.metadata.classification_report,
    )
    expect(classificationReport(trueLabels, predicted, { targetNames, digits: 4 }).text).toBe(
      reference.metadata.classification_report_4_digits,
    )
  })
})

// Printed by scikit-learn 1.9.1.
const texts: {
  what: string
  labels: number[]
  guesses: number[]
  options: { targetNames?: string[]; digits?: number }
  text: string
}[] = [
  {
    what: 'labels that were never predicted, never true, or left out',
    labels: [0, 0, 1, 3],
    guesses: [0, 1, 1, 1],
    options: {},
    text: '              precision    recall  f1-score   support\n\n           0       1.00      0.50      0.67         2\n           1       0.33      1.00      0.50         1\n           3       0.00      0.00      0.00         1\n\n    accuracy                           0.50         4\n   macro avg       0.44      0.50      0.39         4\nweighted avg       0.58      0.50      0.46         4\n',
  },
  {
    what: 'names longer than the headings, and of more bytes than characters',
    labels: [0, 1, 2, 2],
    guesses: [0, 0, 2, 2],
    options: { targetNames: ['a', 'a rather long class name', 'ç'] },
    text: '                          precision    recall  f1-score   support\n\n                       a       0.50      1.00      0.67         1\na rather long class name       0.00      0.00      0.00         1\n                       ç       1.00      1.00      1.00         2\n\n                accuracy                           0.75         4\n               macro avg       0.50      0.67      0.56         4\n            weighted avg       0.62      0.75      0.67         4\n',
  },
  {
    what: 'a named class that occurs nowhere (labels=range(4))',
    labels: [0, 1, 2, 2],
    guesses: [0, 0, 2, 2],
    options: { targetNames: ['a', 'b', 'c', 'd'] },
    text: '              precision    recall  f1-score   support\n\n           a       0.50      1.00      0.67         1\n           b       0.00      0.00      0.00         1\n           c       1.00      1.00      1.00         2\n           d       0.00      0.00      0.00         0\n\n    accuracy                           0.75         4\n   macro avg       0.38      0.50      0.42         4\nweighted avg       0.62      0.75      0.67         4\n',
  },
  {
    what: 'ties, which go to the even digit: 0.125, 0.375, 0.625',
    labels: [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1],
    guesses: [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
    options: {},
    text: '              precision    recall  f1-score   support\n\n           0       0.25      0.12      0.17         8\n           1       0.42      0.62      0.50         8\n\n    accuracy                           0.38        16\n   macro avg       0.33      0.38      0.33        16\nweighted avg       0.33      0.38      0.33        16\n',
  },
  {
    what: 'no digits',
    labels: [0, 1, 1, 1, 0, 1, 0, 1],
    guesses: [0, 0, 1, 1, 1, 1, 0, 1],
    options: { digits: 0 },
    text: '              precision    recall  f1-score   support\n\n           0          1         1         1         3\n           1          1         1         1         5\n\n    accuracy                              1         8\n   macro avg          1         1         1         8\nweighted avg          1         1         1         8\n',
  },
  {
    what: 'so many digits that the columns widen',
    labels: [0, 1, 1],
    guesses: [0, 0, 1],
    options: { digits: 13 },
    text: '               precision    recall  f1-score   support\n\n            0  0.5000000000000 1.0000000000000 0.6666666666667         1\n            1  1.0000000000000 0.5000000000000 0.6666666666667         2\n\n     accuracy                      0.6666666666667         3\n    macro avg  0.7500000000000 0.7500000000000 0.6666666666667         3\n weighted avg  0.8333333333333 0.6666666666667 0.6666666666667         3\n',
  },
  {
    what: 'labels of two digits, in numerical order',
    labels: [10, 2, 2],
    guesses: [10, 2, 10],
    options: {},
    text: '              precision    recall  f1-score   support\n\n           2       1.00      0.50      0.67         2\n          10       0.50      1.00      0.67         1\n\n    accuracy                           0.67         3\n   macro avg       0.75      0.75      0.67         3\nweighted avg       0.83      0.67      0.67         3\n',
  },
]

describe("the report's text", () => {
  for (const { what, labels, guesses, options, text } of texts)
    it(`is scikit-learn's for ${what}`, () => {
      expect(classificationReport(labels, guesses, options).text).toBe(text)
    })
})

describe('on random labels', () => {
  for (let seed = 0; seed < 40; seed++) {
    const classes = 1 + (seed % 7)
    const { given, guessed } = randomLabels(`metrics ${seed}`, 1 + seed * 5, classes)

    it(`the scores follow from the confusion matrix (${given.length} labels of ${classes} classes)`, () => {
      const matrix = confusionMatrix(given, guessed, classes)
      const names = Array.from({ length: classes }, (_, i) => `class ${i}`)
      const report = classificationReport(given, guessed, { targetNames: names })
      let diagonal = 0
      for (let c = 0; c < classes; c++) {
        const support = matrix[c].reduce((sum, count) => sum + count, 0)
        const predictions = matrix.reduce((sum, row) => sum + row[c], 0)
        diagonal += matrix[c][c]
        expect(report.classes[c].support).toBe(support)
        expect(report.classes[c].recall).toBe(support ? matrix[c][c] / support : 0)
        expect(report.classes[c].precision).toBe(predictions ? matrix[c][c] / predictions : 0)
        expect(report.classes[c].f1).toBeCloseTo(
          support + predictions ? (2 * matrix[c][c]) / (support + predictions) : 0,
          12,
        )
      }
      expect(accuracy(given, guessed)).toBe(diagonal / given.length)
      // Recalls weighted by support count every hit once.
      expect(report.weightedAverage.recall).toBeCloseTo(report.accuracy, 12)
      expect(report.weightedAverage.support).toBe(given.length)
    })
  }

  it('swapping true and predicted transposes the matrix and swaps precision and recall', () => {
    const { given, guessed } = randomLabels('swap', 300, 5)
    const there = confusionMatrix(given, guessed, 5)
    const back = confusionMatrix(guessed, given, 5)
    expect(back).toEqual(there.map((_, i) => there.map((row) => row[i])))
    expect(classificationReport(guessed, given).classes.map(({ precision }) => precision)).toEqual(
      classificationReport(given, guessed).classes.map(({ recall }) => recall),
    )
  })
})

describe('labels that make no sense', () => {
  const metrics = {
    accuracy,
    confusionMatrix: (labels: number[], guesses: number[]) => confusionMatrix(labels, guesses, 3),
    classificationReport: (labels: number[], guesses: number[]) =>
      classificationReport(labels, guesses, { targetNames: ['a', 'b', 'c'] }),
  }
  for (const [name, metric] of Object.entries(metrics))
    it(`${name} refuses lists of different lengths, empty ones, and labels that are not counting numbers`, () => {
      expect(() => metric([0, 1], [0])).toThrow(ShapeError)
      expect(() => metric([], [])).toThrow(ShapeError)
      expect(() => metric([0, -1], [0, 0])).toThrow('true label 1 is -1')
      expect(() => metric([0, 0], [0.5, 0])).toThrow('predicted label 0 is 0.5')
      expect(() => metric([Number.NaN], [0])).toThrow(ArgumentError)
    })

  it('a label that is no class of the matrix or has no name is refused, with what was expected', () => {
    expect(() => confusionMatrix([0, 3], [0, 0], 3)).toThrow('true label 1 is 3; expected an integer from 0 to 2')
    expect(() => classificationReport([0], [2], { targetNames: ['a', 'b'] })).toThrow('expected an integer from 0 to 1')
  })

  it('class counts and digits out of range are refused', () => {
    for (const classes of [0, -1, 1.5, 1e9, Number.NaN])
      expect(() => confusionMatrix([0], [0], classes)).toThrow(ArgumentError)
    for (const digits of [-1, 1.5, 21]) expect(() => classificationReport([0], [0], { digits })).toThrow(ArgumentError)
  })
})

describe('the confusion matrix as text', () => {
  it('has a named row for each true class and a numbered column for each predicted one', () => {
    expect(
      formatConfusionMatrix(
        [
          [849, 1],
          [12, 7],
        ],
        ['T-shirt/top', 'Bag'],
      ),
    ).toBe(['true \\ predicted   0   1', '0 T-shirt/top    849   1', '1 Bag             12   7', ''].join('\n'))
  })

  it('does without names', () => {
    expect(formatConfusionMatrix([[5]])).toBe('true \\ predicted 0\n0                5\n')
  })

  it('fits ten classes of a thousand images into 80 columns', () => {
    const lines = formatConfusionMatrix(confusionMatrix(trueLabels, predicted, 10), targetNames).split('\n')
    expect(lines).toHaveLength(12)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(new Set(lines.slice(0, 11).map((line) => line.length)).size).toBe(1)
  })

  it('refuses a matrix that is not square, and names that do not match', () => {
    expect(() => formatConfusionMatrix([])).toThrow(ShapeError)
    expect(() => formatConfusionMatrix([[1, 2], [3]])).toThrow(ShapeError)
    expect(() => formatConfusionMatrix([[1]], ['a', 'b'])).toThrow(ShapeError)
  })
})
