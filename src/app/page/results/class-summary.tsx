import type { RunSummary } from '../../runs/summarise.ts'
import { count, percent, signed } from '../number-format.ts'
import { uncertain } from './result-words.ts'

/** What the results come to by class, and why images could not be explained. */
export function ClassSummary({
  summary: { classes, reasons },
  onClass,
  onImage,
}: {
  summary: RunSummary
  /** Lists the images of a class. */
  onClass: (label: number) => void
  onImage: (id: string) => void
}) {
  const isKnown = classes.some(({ recognised }) => recognised !== undefined)
  return (
    <section class="panel" aria-labelledby="by-class-title">
      <h2 id="by-class-title">By class</h2>
      <p class="hint">
        {isKnown
          ? 'Images are counted by their true class, or by the predicted one where that is not known.'
          : 'No true classes are known: images are counted by the predicted one.'}{' '}
        R² says how well the weights for the predicted class repeat what the network said; evidence is the mean sum of
        the weights for the class. Press a class to list its images.
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section class="class-table result-classes" aria-label="Results by class" tabIndex={0}>
        <table>
          <caption class="visually-hidden">Results by class</caption>
          <thead>
            <tr>
              <th scope="col">Class</th>
              <th scope="col">Images</th>
              {isKnown && <th scope="col">Recognised</th>}
              <th scope="col">Mean R²</th>
              <th scope="col">Mean evidence</th>
              <th scope="col">Least certain</th>
              <th scope="col">Not explained</th>
            </tr>
          </thead>
          <tbody>
            {classes.map(({ label, name, images, recognised, meanR2, meanEvidence, mostUnstable, errors }) => (
              <tr key={label} data-label={label}>
                <th scope="row">
                  <button
                    type="button"
                    class="quiet"
                    title={`List the images of ${name}`}
                    onClick={() => onClass(label)}
                  >
                    {name}
                  </button>
                </th>
                <td class="number">{count(images)}</td>
                {isKnown && (
                  <td class="number">
                    {recognised === undefined ? '–' : count(recognised)}
                    {recognised !== undefined && images > 0 && (
                      <span class="share"> {percent(recognised / images)}</span>
                    )}
                  </td>
                )}
                <td class="number">{meanR2 === null ? '–' : meanR2.toFixed(3)}</td>
                <td class="number">{meanEvidence === null ? '–' : signed(meanEvidence)}</td>
                <td class="number">
                  {mostUnstable ? (
                    <button type="button" class="quiet" onClick={() => onImage(mostUnstable.id)}>
                      <span class="image-id">{mostUnstable.id}</span> ({uncertain(mostUnstable.uncertainty)})
                    </button>
                  ) : (
                    '–'
                  )}
                </td>
                <td class="number">{count(errors)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {reasons.length > 0 && (
        <div class="reasons">
          <h3>Why images could not be explained</h3>
          <ul>
            {reasons.map(({ error, images }) => (
              <li key={error}>
                <span class="number">{count(images)} ×</span> {error}
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  )
}
