import { percent, signed } from './number-format.ts'

/** What a network's numbers are, and how they, and what parts of a picture add to them, are written. */
export interface AnswerWords {
  /** Shares of 1, the largest of which is the answer. Values, which are of no class, have no order. */
  readonly isProbability: boolean
  /** What a class's number is, as a heading: 'Probability of Coat'. */
  readonly title: (name: string) => string
  /** The same in a sentence: 'the probability of Coat'. */
  readonly subject: (name: string) => string
  /** What an explanation answers. */
  readonly question: (name: string) => string
  readonly number: (said: number) => string
  /** With its sign. */
  readonly weight: (added: number) => string
  /** Of a colour scale's end: see weightLimit. */
  readonly least?: number
}

export const probabilityWords: AnswerWords = {
  isProbability: true,
  title: (name) => `Probability of ${name}`,
  subject: (name) => `the probability of ${name}`,
  question: (name) => `Why ${name}?`,
  number: percent,
  weight: signed,
}

/** Values may be of any size: so many digits are told, wherever the point is. */
export const valueWords: AnswerWords = {
  isProbability: false,
  title: (name) => name,
  subject: (name) => name,
  question: (name) => `What raises and lowers ${name}?`,
  number: (said) => withDigits(said, 6),
  weight: (added) => (added > 0 ? '+' : '') + withDigits(added, 3),
  least: 0,
}

function withDigits(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits))).replace('-', '−')
}
