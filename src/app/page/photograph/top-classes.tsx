import { topAnswers } from '../../tasks/answers.ts'
import type { AnswerWords } from '../answer-words.ts'
import type { PhotographNetwork } from '../contract/photograph-api.ts'
import { AnswerCell } from '../parts/answer-cell.tsx'

const shownClasses = 5

/** What a network says of a photograph: its most probable class, or of values the one that is asked about. */
export function Verdict({
  numbers,
  network: { task, classNames },
  words: { isProbability, number },
  asked,
}: {
  /** One a class. */
  numbers: Float32Array
  network: PhotographNetwork
  words: AnswerWords
  asked: number
}) {
  const [best] = topAnswers(numbers, 1, task)
  return (
    <p class="verdict-line">
      {isProbability ? (
        <>
          The network says <strong class="predicted">{best.name}</strong> with {number(best.number)}
        </>
      ) : (
        <>
          The network says {classNames[asked]} is <strong class="predicted">{number(numbers[asked])}</strong>
        </>
      )}
    </p>
  )
}

/** The most probable classes, or the first values, by name; pressing one asks why. */
export function TopClasses({
  numbers,
  network: { task, classNames },
  words,
  isStale,
  asked,
  onLabel,
}: {
  /** One a class. */
  numbers: Float32Array
  network: PhotographNetwork
  words: AnswerWords
  /** They are still those of something else. */
  isStale: boolean
  /** The class that is asked about. */
  asked: number
  onLabel: (label: number) => void
}) {
  const top = topAnswers(numbers, shownClasses, task).map((answer) => answer.label)
  const { isProbability } = words
  const rows = top.includes(asked) ? top : [...top, asked]
  return (
    <table class="probabilities top-classes" aria-busy={isStale}>
      <caption class="visually-hidden">
        {isProbability ? 'The most probable classes; press one to ask why' : 'What it says; press one to ask why'}
      </caption>
      <thead class="visually-hidden">
        <tr>
          <th scope="col">{isProbability ? 'Class' : 'What'}</th>
          <th scope="col">{isProbability ? 'Probability' : 'Value'}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((label) => (
          <tr key={label} class={label === asked ? 'is-predicted' : undefined}>
            <th scope="row">
              <button
                type="button"
                class="quiet"
                aria-pressed={label === asked}
                title={words.question(classNames[label])}
                onClick={() => onLabel(label)}
              >
                {classNames[label]}
              </button>
            </th>
            <AnswerCell said={numbers[label]} words={words} />
          </tr>
        ))}
      </tbody>
    </table>
  )
}
