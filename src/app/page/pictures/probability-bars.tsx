import { task } from '../../tasks/chosen-task.ts'
import { percent } from '../number-format.ts'
import { labelAmong } from './picture.ts'
import type { Prediction } from './use-prediction.ts'

/** The probabilities, as a table whose bars are decoration. */
export function ProbabilityBars({
  prediction,
  trueLabel,
}: {
  prediction: Prediction | null
  trueLabel: number | null
}) {
  const classNames = prediction?.classNames ?? task.classNames
  const known = labelAmong(classNames, trueLabel)
  return (
    <table class="probabilities" aria-busy={prediction?.isStale ?? true}>
      <caption class="visually-hidden">Probabilities of the classes</caption>
      <thead class="visually-hidden">
        <tr>
          <th scope="col">Class</th>
          <th scope="col">Probability</th>
        </tr>
      </thead>
      <tbody>
        {classNames.map((name, label) => {
          const probability = prediction?.probabilities[label] ?? 0
          const isPredicted = label === prediction?.predicted
          const isTrue = label === known
          return (
            <tr
              key={name}
              class={isPredicted ? 'is-predicted' : undefined}
              data-right={isPredicted && known !== null ? isTrue : undefined}
            >
              <th scope="row">
                {name}
                {isTrue && (
                  <span class="true-label">
                    true<span class="visually-hidden"> label</span>
                  </span>
                )}
              </th>
              <td data-probability={prediction ? probability : undefined}>
                <span class="bar" aria-hidden="true">
                  <span style={{ width: `${probability * 100}%` }} />
                </span>
                <span class="number">{prediction ? percent(probability) : '–'}</span>
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
