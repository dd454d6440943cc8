import type { AnswerWords } from '../answer-words.ts'
import { probabilityWords, valueWords } from '../answer-words.ts'
import type { ReadResults } from './result-reading.ts'

/** How results are told. */

export function classNamed(classNames: ReadResults['classNames'], label: number | null): string {
  return label === null ? '' : (classNames.get(label) ?? `class ${label}`)
}

/** An uncertainty: half the widths of the intervals, as a share of the weights. */
export function uncertain(share: number): string {
  return `± ${Math.round(share * 100)} %`
}

/** Numbers that are shares of 1 are probabilities; a run's files say no more of them. */
export function wordsFor(numbers: readonly number[]): AnswerWords {
  const sum = numbers.reduce((total, number) => total + number, 0)
  return Math.abs(sum - 1) < 0.01 && numbers.every((number) => number >= 0) ? probabilityWords : valueWords
}
