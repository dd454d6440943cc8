import { useMemo, useState } from 'preact/hooks'
import { task } from '../../tasks/chosen-task.ts'
import type { AverageEvidence, ClassEvidence } from '../contract/evidence-cells.ts'
import { cellOf, placeOfCell } from '../contract/evidence-cells.ts'
import { count, signed } from '../number-format.ts'
import { arrowSteps } from '../parts/arrow-steps.ts'
import { OverlayCanvas } from '../parts/overlay-canvas.tsx'

export type EvidenceState =
  | { readonly phase: 'none' | 'stopped' | 'failed' }
  | { readonly phase: 'running'; readonly progress: { readonly done: number; readonly total: number } }
  | { readonly phase: 'done'; readonly result: AverageEvidence }

/** Cells named for each class in words, on either side. */
const strongest = 5

/**
 * Where the colours' one scale for all classes ends: this share of the cells lies within. At the largest weight of all it would
 * leave most cells without colour, and with a scale for each class weak evidence would look like strong.
 */
const shareWithinScale = 0.95

/** What counts as evidence for each class, on average over many pictures. */
export function EvidenceGallery({
  state,
  canStart,
  onStart,
  onStop,
}: {
  state: EvidenceState
  canStart: boolean
  onStart: () => void
  onStop: () => void
}) {
  return (
    <section
      class="panel evidence-gallery"
      aria-labelledby="evidence-gallery-title"
      aria-busy={state.phase === 'running'}
    >
      <h2 id="evidence-gallery-title">What makes a coat a coat?</h2>
      <div class="evidence-gallery-head">
        {state.phase === 'running' ? (
          <button key="stop" type="button" class="stop" onClick={onStop}>
            Stop
          </button>
        ) : (
          <button key="start" type="button" class="primary" disabled={!canStart} onClick={onStart}>
            Average the evidence
          </button>
        )}
        {state.phase === 'running' ? (
          <AveragingProgress {...state.progress} />
        ) : (
          <p class="hint">
            Takes test images of each class that the network gets right, finds what each place in them adds to their
            class, and averages.
          </p>
        )}
      </div>
      {state.phase === 'done' && <EvidencePictures evidence={state.result} />}
    </section>
  )
}

function AveragingProgress({ done, total }: { done: number; total: number }) {
  const text = total === 0 ? 'Looking for pictures' : `${count(done)} of ${count(total)} pictures`
  return (
    <div class="progress">
      <progress
        max={1}
        value={total === 0 ? undefined : done / total}
        aria-label="Average evidence"
        aria-valuetext={text}
      />
      <span aria-hidden="true">{text}</span>
    </div>
  )
}

/** A picture a class. A cell means the same place in all of them: pointing at one shows it in each. */
function EvidencePictures({ evidence }: { evidence: AverageEvidence }) {
  const { rows, columns, of, classes } = evidence
  const [cell, setCell] = useState<number | null>(null)
  const [told, setTold] = useState('')
  const cells = useMemo(
    () => Int32Array.from(classes[0].mean, (_, pixel) => cellOf(pixel, rows, columns)),
    [classes, rows, columns],
  )
  const limit = useMemo(() => colourLimit(classes), [classes])

  const tell = (of: ClassEvidence, next: number) => {
    setCell(next)
    setTold(
      `${task.classNames[of.label]}, ${placeOfCell(next, columns)}: ${signed(of.weights[next])}, ${wholePercent(of.agreement[next])} agree`,
    )
  }
  const onKeyDown = (event: KeyboardEvent, of: ClassEvidence) => {
    const step = arrowSteps[event.key]
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    const from = cell ?? strongestCellOf(of)
    const x = Math.min(columns - 1, Math.max(0, (from % columns) + step.x))
    const y = Math.min(rows - 1, Math.max(0, Math.floor(from / columns) + step.y))
    tell(of, y * columns + x)
  }

  return (
    <>
      <p>
        A green cell speaks for the class, a magenta one against it.{' '}
        {of === 'logit'
          ? 'Its weight is what it adds to the network’s score for the class (its logit), beyond what it adds to all classes on average; +0.69 doubles its probability against the mean of all.'
          : 'Its weight is what it adds to the class’s probability.'}{' '}
        Point at a cell, or move there with the arrow keys, to see it in all pictures.
      </p>
      <div class="evidence-cards">
        {classes.map((each) => (
          <figure key={each.label} class="evidence-card">
            <div
              class="evidence-picture"
              role="application"
              // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes keys of its own
              tabIndex={0}
              aria-label={`${task.classNames[each.label]}: ${rows} by ${columns} cells, for the arrow keys`}
              onKeyDown={(event) => onKeyDown(event, each)}
              onFocus={() => tell(each, cell ?? strongestCellOf(each))}
              onBlur={() => setCell(null)}
            >
              <EvidenceCanvas
                evidence={each}
                columns={columns}
                cells={cells}
                limit={limit}
                cell={cell}
                onPoint={setCell}
              />
            </div>
            <EvidenceCaption evidence={each} cell={cell} />
          </figure>
        ))}
      </div>
      <EvidenceScale limit={limit} />
      <details>
        <summary>The strongest cells in numbers</summary>
        <EvidenceTable evidence={evidence} />
      </details>
      <p class="visually-hidden" role="status">
        {told}
      </p>
    </>
  )
}

/** The class; of how many pictures, or what one of their cells is worth. */
function EvidenceCaption({ evidence, cell }: { evidence: ClassEvidence; cell: number | null }) {
  const { label, count: pictures, weights, agreement } = evidence
  return (
    <figcaption>
      <strong>{task.classNames[label]}</strong>
      {cell === null ? (
        <span>{pictures === 1 ? '1 picture' : `${count(pictures)} pictures`}</span>
      ) : (
        <>
          <span class="evidence-weight" data-sign={signOf(weights[cell])}>
            {signed(weights[cell])}
          </span>
          <span>{wholePercent(agreement[cell])} agree</span>
        </>
      )}
    </figcaption>
  )
}

/** What the colours stand for. */
function EvidenceScale({ limit }: { limit: number }) {
  return (
    <div>
      <span class="legend" aria-hidden="true" />
      <p class="legend-ends">
        <span>{signed(-limit)} or less: against</span>
        <span>for the class: {signed(limit)} or more</span>
      </p>
      <p class="hint">
        One scale for all classes; one cell in twenty lies beyond its ends. A picture “agrees” where its own weight of
        the cell has the average’s sign.
      </p>
    </div>
  )
}

function EvidenceCanvas({
  evidence: { label, mean, weights, count: pictures },
  columns,
  cells,
  limit,
  cell,
  onPoint,
}: {
  evidence: ClassEvidence
  columns: number
  cells: Int32Array
  limit: number
  cell: number | null
  onPoint: (cell: number | null) => void
}) {
  const pixels = useMemo(() => Uint8Array.from(mean, (value) => Math.round(value * 255)), [mean])
  const shares = useMemo(
    () => new Map(Array.from(weights, (weight, at) => [at, limit > 0 ? Math.min(1, Math.max(-1, weight / limit)) : 0])),
    [weights, limit],
  )
  const sides = [1, -1].map((sign) => {
    const found = strongestCells(weights, sign).map((at) => placeOfCell(at, columns))
    return found.length > 0 ? found.join('; ') : 'none'
  })
  const name = task.classNames[label]
  return (
    <OverlayCanvas
      pixels={pixels}
      segments={cells}
      shares={shares}
      highlighted={cell}
      label={`${name}, the mean of ${count(pictures)} pictures. Cells for ${name}: ${sides[0]}. Against: ${sides[1]}.`}
      onPoint={onPoint}
    />
  )
}

/** For those who do not see the colours, and those who want the numbers. */
function EvidenceTable({ evidence: { columns, classes } }: { evidence: AverageEvidence }) {
  return (
    <div class="evidence-table">
      <table>
        <caption>
          The {strongest} cells that say most for each class, and against it, and how many pictures agree
        </caption>
        <thead>
          <tr>
            <th scope="col">Class</th>
            <th scope="col">For</th>
            <th scope="col">Against</th>
          </tr>
        </thead>
        <tbody>
          {classes.map(({ label, weights, agreement }) => (
            <tr key={label}>
              <th scope="row">{task.classNames[label]}</th>
              {[1, -1].map((sign) => (
                <td key={sign}>
                  <ol>
                    {strongestCells(weights, sign).map((cell) => (
                      <li key={cell} data-cell={cell} data-weight={weights[cell]}>
                        {placeOfCell(cell, columns)}: <strong class="number">{signed(weights[cell])}</strong> (
                        {wholePercent(agreement[cell])})
                      </li>
                    ))}
                  </ol>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** The cells that say most for the class (sign 1) or against it (-1), the strongest first. */
function strongestCells(weights: Float64Array, sign: number): number[] {
  return Array.from(weights.keys())
    .filter((cell) => weights[cell] * sign > 0)
    .sort((a, b) => Math.abs(weights[b]) - Math.abs(weights[a]))
    .slice(0, strongest)
}

/** Where the arrow keys begin. */
function strongestCellOf({ weights }: ClassEvidence): number {
  return weights.findIndex((weight) => Math.abs(weight) === largestOf(weights))
}

/** The weight from which on, for or against, colours are full. */
function colourLimit(classes: readonly ClassEvidence[]): number {
  const sizes = classes
    .filter(({ count }) => count > 0)
    .flatMap(({ weights }) => Array.from(weights, Math.abs))
    .sort((a, b) => a - b)
  return sizes.at(Math.floor(sizes.length * shareWithinScale)) ?? 0
}

/** Of so few pictures that no decimals count. */
function wholePercent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function largestOf(weights: Float64Array): number {
  return weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0)
}

function signOf(weight: number): 'for' | 'against' | undefined {
  return weight > 0 ? 'for' : weight < 0 ? 'against' : undefined
}
