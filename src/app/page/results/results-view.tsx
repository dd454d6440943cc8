import { FileButton } from '../parts/file-button.tsx'
import type { AnewContext } from './anew-link.tsx'
import { ClassSummary } from './class-summary.tsx'
import type { OpenedResults } from './opened-results.ts'
import type { ResultEntry } from './result-reading.ts'
import { RowDetails } from './row-details.tsx'
import { RowList } from './row-list.tsx'
import { RunFacts } from './run-facts.tsx'
import { firstChoice, type ListChoice } from './shown-entries.ts'
import { type KeepResults, useResults } from './use-results.ts'

export { default as styles } from './results.css?url'

/** Results of `limelight batch`, from files: what the run is, what it comes to, and its rows one by one. */
export function ResultsView({
  opened,
  onOpened,
  dropped,
  onDroppedTaken,
  ...context
}: Omit<AnewContext, 'onProblem'> & {
  opened: OpenedResults | null
  onOpened: KeepResults
  dropped: readonly File[] | null
  onDroppedTaken: () => void
  onProblem: (problem: string | null) => void
}) {
  const control = useResults(opened, onOpened, dropped, onDroppedTaken, context.onProblem)
  if (!opened) return <NoResults onFiles={control.open} />
  const { results, choice, page, chosen } = opened
  const change = (by: Partial<OpenedResults>) => onOpened((now) => now && { ...now, ...by })
  const choose = (entry: ResultEntry, isPressed = false) => {
    change({ chosen: entry })
    if (isPressed) showRow()
  }
  const list = (next: ListChoice) => change({ choice: next, page: 0 })
  return (
    <>
      <RunFacts opened={opened} control={control} onProblem={context.onProblem} />
      {results && (
        <>
          <ClassSummary
            summary={results.summary}
            onClass={(label) => {
              list({ ...firstChoice, label })
              toRows()
            }}
            onImage={(id) => {
              const entry = results.entries.find((each) => each.id === id)
              if (entry) choose(entry)
              toRows()
            }}
          />
          <div class="result-rows">
            <RowList
              results={results}
              choice={choice}
              page={page}
              chosen={chosen}
              onChoice={list}
              onPage={(to) => change({ page: to })}
              onChosen={choose}
            />
            <RowDetails opened={opened} results={results} onChosen={choose} {...context} />
          </div>
        </>
      )}
    </>
  )
}

/** On a narrow screen a row's evidence is below the list: whoever presses one is to see it. */
function showRow(): void {
  const row = document.querySelector('.result-row')
  if (row && row.getBoundingClientRect().top > innerHeight * mostAbove) row.scrollIntoView()
}

/** Of the screen, above what is in view enough. */
const mostAbove = 0.6

function toRows(): void {
  document.querySelector('.result-rows')?.scrollIntoView()
}

function NoResults({ onFiles }: { onFiles: (files: readonly File[]) => void }) {
  return (
    <section class="panel no-results" aria-labelledby="no-results-title">
      <h2 id="no-results-title">Results of many images</h2>
      <p>
        <code>limelight batch</code> explains thousands of images, on one machine or on many, and writes what it finds
        into files: <code>part-00000-of-00005.….parquet</code>, or <code>….jsonl</code>. Choose them here, or drop them
        anywhere on the page: several parts of one run together, and its <code>run.json</code>, which says with which
        network and settings it was made.
      </p>
      <p>
        <FileButton
          title="Choose files of results…"
          label="Files of results"
          multiple
          kind="primary"
          onFiles={onFiles}
        />
      </p>
      <p class="hint">
        They are read where they lie: nothing is uploaded, and no link holds them. After a reload the page forgets them,
        so choose the files again then.
      </p>
    </section>
  )
}
