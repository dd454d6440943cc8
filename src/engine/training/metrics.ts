import { check, isNumberArray, optionsOf, shown, thatIs, wholeNumber } from '../arguments.ts'
import { ArgumentError, ShapeError } from '../errors.ts'

/**
 * How good a classifier's answers are, with scikit-learn's definitions and scikit-learn's words. Labels are integers
 * from 0, in any array-like.
 */

export type Labels = ArrayLike<number>

function checkLabels(trueLabels: Labels, predicted: Labels, classes = Number.POSITIVE_INFINITY): void {
  for (const labels of [trueLabels, predicted])
    if (!Array.isArray(labels) && !isNumberArray(labels))
      throw new ArgumentError(`labels must be a list of whole numbers, not ${shown(labels)}`)
  if (trueLabels.length !== predicted.length)
    throw new ShapeError(`${trueLabels.length} true labels, but ${predicted.length} predicted ones`)
  if (trueLabels.length === 0) throw new ShapeError('no labels given: a metric needs at least one')
  for (const [kind, labels] of [
    ['true', trueLabels],
    ['predicted', predicted],
  ] as const)
    for (let i = 0; i < labels.length; i++)
      if (!Number.isSafeInteger(labels[i]) || labels[i] < 0 || labels[i] >= classes)
        throw new ArgumentError(
          `${kind} label ${i} is ${shown(labels[i])}; expected an integer ${classes === Number.POSITIVE_INFINITY ? 'from 0' : `from 0 to ${classes - 1}`}`,
        )
}

/**
 * The share of predictions that are right, 0 to 1.
 * @throws ShapeError when the two differ in length or are empty
 * @throws ArgumentError when a label is not an integer from 0
 */
export function accuracy(trueLabels: Labels, predicted: Labels): number {
  checkLabels(trueLabels, predicted)
  let hits = 0
  for (let i = 0; i < trueLabels.length; i++) if (trueLabels[i] === predicted[i]) hits++
  return hits / trueLabels.length
}

/**
 * Counts samples by true class (rows) and predicted class (columns): [classes][classes].
 * @throws ShapeError when the two differ in length or are empty
 * @throws ArgumentError when `classes` is not a positive integer or a label is not an integer below it
 */
export function confusionMatrix(trueLabels: Labels, predicted: Labels, classes: number): number[][] {
  if (!Number.isSafeInteger(classes) || classes < 1 || classes > maxClasses)
    throw new ArgumentError(`the number of classes is ${shown(classes)}; expected an integer from 1 to ${maxClasses}`)
  checkLabels(trueLabels, predicted, classes)
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (let i = 0; i < trueLabels.length; i++) matrix[trueLabels[i]][predicted[i]]++
  return matrix
}

/** A matrix of more would not fit in memory, or on any screen. */
const maxClasses = 4096

/**
 * A confusion matrix as text: a row for each true class, led by its number and name; a column for each predicted class,
 * headed by its number, so that ten classes fit in 80 columns.
 * @throws ShapeError when the matrix is not square or has not as many rows as there are names
 */
export function formatConfusionMatrix(matrix: readonly (readonly number[])[], classNames?: readonly string[]): string {
  const size = matrix.length
  if (size === 0 || matrix.some((row) => row.length !== size))
    throw new ShapeError('a confusion matrix has as many rows as columns, and at least one')
  if (classNames && classNames.length !== size)
    throw new ShapeError(`${classNames.length} class names for a confusion matrix of ${size} classes`)
  const numberWidth = String(size - 1).length
  const heads = matrix.map((_, i) => {
    const number = String(i).padStart(numberWidth)
    return classNames ? `${number} ${classNames[i]}` : number
  })
  const corner = 'true \\ predicted'
  const headWidth = Math.max(lengthOf(corner), ...heads.map(lengthOf))
  const cellWidth = 1 + Math.max(numberWidth, ...matrix.flat().map((count) => String(count).length))
  const lines = [
    corner.padEnd(headWidth) + matrix.map((_, i) => String(i).padStart(cellWidth)).join(''),
    ...matrix.map(
      (row, i) =>
        heads[i] +
        ' '.repeat(headWidth - lengthOf(heads[i])) +
        row.map((count) => String(count).padStart(cellWidth)).join(''),
    ),
  ]
  return `${lines.join('\n')}\n`
}

export interface Scores {
  /** Of the samples predicted to be of the class, the share that are. 0 where none were predicted. */
  readonly precision: number
  /** Of the class's samples, the share predicted so. 0 where there are none. */
  readonly recall: number
  /** The harmonic mean of precision and recall, 2PR / (P + R). 0 where both are. */
  readonly f1: number
  /** How many samples are of the class. */
  readonly support: number
}

export interface ClassScores extends Scores {
  readonly label: number
  readonly name: string
}

export interface ClassificationReport {
  readonly classes: readonly ClassScores[]
  readonly accuracy: number
  /** The classes' plain mean. */
  readonly macroAverage: Scores
  /** The classes' mean, weighted by their supports. */
  readonly weightedAverage: Scores
  /**
   * What sklearn.metrics.classification_report returns, to the last character. (Not followed: where not one prediction is
   * right, scikit-learn prints the supports as "1.0", an accident of its array types.)
   */
  readonly text: string
}

interface ReportOptions {
  readonly targetNames?: readonly string[]
  readonly digits?: number
}

const reportOptions = optionsOf<ReportOptions>({
  targetNames: thatIs<readonly string[]>(
    'a list of names',
    (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
  ),
  digits: wholeNumber(0, 20),
})

/**
 * Precision, recall and F1 of every class and their averages (sklearn.metrics.classification_report, zero_division 0).
 * With `targetNames` the classes are 0 to their number - 1, as with scikit-learn's labels=range(n), and one that occurs
 * nowhere still has its row. Without, they are the labels that occur.
 * @param options.digits decimals in the text, 0 to 20
 * @throws ShapeError when the two differ in length or are empty
 * @throws ArgumentError when a label is not an integer from 0, or has no name in `targetNames`; when digits is out of range
 */
export function classificationReport(
  trueLabels: Labels,
  predicted: Labels,
  options: ReportOptions = {},
): ClassificationReport {
  check('classificationReport', reportOptions, options)
  const { targetNames, digits = 2 } = options
  checkLabels(trueLabels, predicted, targetNames?.length)

  const counts = countByClass(trueLabels, predicted)
  const labels = targetNames ? [...targetNames.keys()] : [...counts.keys()].sort((a, b) => a - b)
  const classes = labels.map((label): ClassScores => {
    const { hits, predictions, support } = counts.get(label) ?? { hits: 0, predictions: 0, support: 0 }
    const precision = ratio(hits, predictions)
    const recall = ratio(hits, support)
    const f1 = ratio(2 * precision * recall, precision + recall)
    return { label, name: targetNames?.[label] ?? String(label), precision, recall, f1, support }
  })

  const samples = trueLabels.length
  const average = (weightOf: (scores: Scores) => number, total: number): Scores => {
    const mean = (score: 'precision' | 'recall' | 'f1') =>
      classes.reduce((sum, scores) => sum + scores[score] * weightOf(scores), 0) / total
    return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1'), support: samples }
  }
  const report = {
    classes,
    accuracy: accuracy(trueLabels, predicted),
    macroAverage: average(() => 1, classes.length),
    weightedAverage: average(({ support }) => support, samples),
  }
  return { ...report, text: formatReport(report, samples, digits) }
}

function countByClass(trueLabels: Labels, predicted: Labels) {
  const counts = new Map<number, { hits: number; predictions: number; support: number }>()
  const of = (label: number) => {
    const found = counts.get(label) ?? { hits: 0, predictions: 0, support: 0 }
    counts.set(label, found)
    return found
  }
  for (let i = 0; i < trueLabels.length; i++) {
    of(trueLabels[i]).support++
    of(predicted[i]).predictions++
    if (trueLabels[i] === predicted[i]) of(trueLabels[i]).hits++
  }
  return counts
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

function formatReport(
  { classes, accuracy, macroAverage, weightedAverage }: Omit<ClassificationReport, 'text'>,
  samples: number,
  digits: number,
): string {
  const width = Math.max('weighted avg'.length, digits, ...classes.map(({ name }) => lengthOf(name)))
  const line = (head: string, cells: readonly string[]) =>
    `${' '.repeat(width - lengthOf(head))}${head} ${cells.map((cell) => ` ${cell.padStart(9)}`).join('')}\n`
  const scores = (head: string, { precision, recall, f1, support }: Scores) =>
    line(head, [...[precision, recall, f1].map((score) => toFixedHalfEven(score, digits)), String(support)])
  return [
    line('', ['precision', 'recall', 'f1-score', 'support']),
    '\n',
    ...classes.map((row) => scores(row.name, row)),
    '\n',
    line('accuracy', ['', '', toFixedHalfEven(accuracy, digits), String(samples)]),
    scores('macro avg', macroAverage),
    scores('weighted avg', weightedAverage),
  ].join('')
}

/** Python's "%.2f" of a number from 0 to 1: as toFixed, but a tie (0.125, common in small tables) goes to the even digit. */
function toFixedHalfEven(value: number, digits: number): string {
  const rounded = value.toFixed(digits)
  // A double that is a tie at `digits` decimals ends with its next one, so a hundred decimals (toFixed's most) show it exactly.
  const exact = value.toFixed(100)
  const cut = exact.length - 100 + digits
  if (!/^50*$/.test(exact.slice(cut))) return rounded
  const truncated = exact.slice(0, cut).replace(/\.$/, '')
  return Number(truncated.at(-1)) % 2 === 0 ? truncated : rounded
}

/** Characters as Python counts them: code points. */
function lengthOf(text: string): number {
  return [...text].length
}
