import { useEffect, useMemo, useRef } from 'preact/hooks'
import { count } from '../number-format.ts'
import { Choice } from '../parts/choice.tsx'
import type { ReadResults, ResultEntry } from './result-reading.ts'
import { classNamed, uncertain } from './result-words.ts'
import { type ListChoice, type Order, orders, type Selection, selections, shownEntries } from './shown-entries.ts'

const selectionTitles: Readonly<Record<Selection, string>> = {
  all: 'All',
  wrong: 'Taken for another class',
  right: 'Recognised',
  error: 'Not explained',
}

const orderTitles: Readonly<Record<Order, string>> = {
  'least certain': 'Least certain first',
  'lowest r2': 'Lowest R² first',
  run: 'As in the run',
}

/** Rows on a page of the list: a run may have a million. */
const pageLength = 50

/** The rows, as many as one looks at at once; arrow keys lead from one to the next. */
export function RowList({
  results,
  choice,
  page,
  chosen,
  onChoice,
  onPage,
  onChosen,
}: {
  results: ReadResults
  choice: ListChoice
  page: number
  chosen: ResultEntry | null
  onChoice: (choice: ListChoice) => void
  onPage: (page: number) => void
  /** @param isPressed whether by a pointer, and not by a key or by itself */
  onChosen: (entry: ResultEntry, isPressed: boolean) => void
}) {
  const { entries, classNames, summary } = results
  const shown = useMemo(() => shownEntries(entries, choice), [entries, choice])
  // A row is looked at from the beginning.
  const first = shown.at(0)
  useEffect(() => {
    if (!chosen && first) onChosen(first, false)
  })
  const pages = Math.max(1, Math.ceil(shown.length / pageLength))
  const at = Math.min(page, pages - 1)
  const rows = shown.slice(at * pageLength, (at + 1) * pageLength)
  const list = useRef<HTMLDivElement>(null)
  const turn = (to: number) => {
    onPage(to)
    list.current?.scrollTo(0, 0)
  }
  // Whatever was chosen, by whichever way, comes into view.
  useEffect(() => {
    const box = list.current
    const row = box?.querySelector('[aria-current="true"]')?.closest('tr')
    if (!box || !row || !chosen) return
    const top = row.offsetTop - (box.querySelector('thead')?.offsetHeight ?? 0)
    const bottom = row.offsetTop + row.offsetHeight
    if (top < box.scrollTop) box.scrollTop = top
    else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight
  }, [chosen])

  const labels = summary.classes.map(({ label }) => String(label))
  return (
    <section class="panel row-list" aria-labelledby="rows-title">
      <h2 id="rows-title">Explanations</h2>
      <div class="row-choices">
        <Choice
          title="Show"
          names={selections}
          titleOf={(name) => selectionTitles[name]}
          chosen={choice.selection}
          onChoose={(selection) => onChoice({ ...choice, selection })}
        />
        <Choice
          title="Of the class"
          names={['', ...labels]}
          titleOf={(name) =>
            name === '' ? 'All classes' : (summary.classes.find(({ label }) => String(label) === name)?.name ?? name)
          }
          chosen={choice.label === null ? '' : String(choice.label)}
          onChoose={(name) => onChoice({ ...choice, label: name === '' ? null : Number(name) })}
        />
        <Choice
          title="Order"
          names={orders}
          titleOf={(name) => orderTitles[name]}
          chosen={choice.order}
          onChoose={(order) => onChoice({ ...choice, order })}
        />
      </div>
      <div ref={list} class="rows">
        {rows.length === 0 ? (
          <p class="empty">There are none.</p>
        ) : (
          <table>
            <caption class="visually-hidden">Explanations; press one to look at it</caption>
            <thead>
              <tr>
                <th scope="col">Image</th>
                <th scope="col">Class</th>
                <th scope="col">R²</th>
                <th scope="col">Uncertain</th>
              </tr>
            </thead>
            <tbody onKeyDown={moveFocus}>
              {rows.map((entry) => (
                <Row
                  key={`${entry.part.header.shard}-${entry.at}`}
                  entry={entry}
                  classNames={classNames}
                  isChosen={entry === chosen}
                  onChosen={onChosen}
                />
              ))}
            </tbody>
          </table>
        )}
      </div>
      <div class="pages">
        <button type="button" disabled={at === 0} onClick={() => turn(at - 1)}>
          Previous
        </button>
        <span role="status" class="number">
          {shown.length === 0
            ? '0 rows'
            : `${count(at * pageLength + 1)} to ${count(at * pageLength + rows.length)} of ${count(shown.length)}`}
        </span>
        <button type="button" disabled={at >= pages - 1} onClick={() => turn(at + 1)}>
          Next
        </button>
      </div>
    </section>
  )
}

function Row({
  entry,
  classNames,
  isChosen,
  onChosen,
}: {
  entry: ResultEntry
  classNames: ReadResults['classNames']
  isChosen: boolean
  onChosen: (entry: ResultEntry, isPressed: boolean) => void
}) {
  const { id, label, explained, predicted, r2, uncertainty, error } = entry
  return (
    // The row's button takes the keys.
    <tr class={isChosen ? 'is-highlighted' : undefined} onClick={({ detail }) => onChosen(entry, detail > 0)}>
      <th scope="row">
        <button type="button" class="quiet image-id" aria-current={isChosen ? 'true' : undefined} title={id}>
          {id}
        </button>
      </th>
      {error === null ? (
        <>
          <td>
            {classNamed(classNames, explained)}
            {label !== null && label !== predicted && (
              <span class="mistake">
                {explained === predicted
                  ? `is ${classNamed(classNames, label)}`
                  : `says ${classNamed(classNames, predicted)}`}
              </span>
            )}
          </td>
          <td class="number">{r2 === null ? '–' : r2.toFixed(3)}</td>
          <td class="number">{uncertainty === null ? '–' : uncertain(uncertainty)}</td>
        </>
      ) : (
        <td colSpan={3} class="row-error">
          {error}
        </td>
      )}
    </tr>
  )
}

/** The arrow keys lead from row to row, and show each. */
function moveFocus(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const buttons: Element[] = Array.from(event.currentTarget.querySelectorAll('button'))
  const at = document.activeElement ? buttons.indexOf(document.activeElement) : -1
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key]
  if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  const next = buttons.at(Math.max(0, Math.min(to, buttons.length - 1)))
  if (!(next instanceof HTMLElement)) return
  next.focus({ preventScroll: true })
  next.click()
}
