import { count } from '../number-format.ts'

/** Counts by true class (rows) and the class the network says (columns). Each cell with pictures opens them. */
export function ConfusionMatrix({
  matrix,
  names,
  onCell,
}: {
  matrix: readonly (readonly number[])[]
  names: readonly string[]
  onCell: (label: number, predicted: number) => void
}) {
  return (
    <div>
      <p class="hint">What each class is taken for. Press a number to see its pictures, the most confident first.</p>
      <div class="matrix">
        <table>
          <caption class="visually-hidden">Test images by true class and by what the network says</caption>
          <thead>
            <tr>
              <th scope="col">is \ taken for</th>
              {names.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {matrix.map((row, label) => {
              const total = row.reduce((sum, cell) => sum + cell, 0)
              return (
                <tr key={names[label]}>
                  <th scope="row">{names[label]}</th>
                  {row.map((cell, predicted) => (
                    <td
                      key={names[predicted]}
                      data-right={predicted === label}
                      // Mistakes are few: the root lets them be seen.
                      style={{ '--share': String(total > 0 ? Math.round(Math.sqrt(cell / total) * 60) : 0) }}
                    >
                      {cell > 0 ? (
                        <button
                          type="button"
                          class="quiet"
                          aria-label={`${count(cell)} of ${names[label]} taken for ${names[predicted]}`}
                          onClick={() => onCell(label, predicted)}
                        >
                          {count(cell)}
                        </button>
                      ) : (
                        <span class="none">0</span>
                      )}
                    </td>
                  ))}
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    </div>
  )
}
