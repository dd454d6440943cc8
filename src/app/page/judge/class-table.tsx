import type { Evaluation } from '../contract/engine-api.ts'
import { count } from '../number-format.ts'

/** The classification report: precision, recall and F1 of each class. */
export function ClassTable({ report }: { report: Evaluation['report'] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="class-table" aria-label="Scores of the classes" tabIndex={0}>
      <table>
        <caption>
          Precision: of the pictures that the network takes for this class, the share that belong to it. Recall: of the
          pictures of this class, the share that the network finds. F1: one score for both, their harmonic mean.
        </caption>
        <thead>
          <tr>
            <th scope="col">Class</th>
            <th scope="col">Precision</th>
            <th scope="col">Recall</th>
            <th scope="col">F1</th>
            <th scope="col">Images</th>
          </tr>
        </thead>
        <tbody>
          {report.classes.map(({ name, precision, recall, f1, support }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{precision.toFixed(3)}</td>
              <td class="number">{recall.toFixed(3)}</td>
              <td class="number">{f1.toFixed(3)}</td>
              <td class="number">{count(support)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
