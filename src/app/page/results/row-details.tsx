import { useMemo, useState } from 'preact/hooks'
import { type Fit, fits } from '../../photographs/framing.ts'
import type { ResultRow } from '../../runs/result-row.ts'
import { task } from '../../tasks/chosen-task.ts'
import { type Look, LookChoice } from '../explain/look-choice.tsx'
import { SegmentTable } from '../explain/segment-table.tsx'
import { count, decimal, duration } from '../number-format.ts'
import { AnswerCell } from '../parts/answer-cell.tsx'
import { Choice } from '../parts/choice.tsx'
import { Fact } from '../parts/fact.tsx'
import { PhotographEvidence } from '../photograph/photograph-evidence.tsx'
import { testPicture } from '../pictures/picture.ts'
import { type AnewContext, AnewLink } from './anew-link.tsx'
import { hasOneSeed, testImageOf } from './explained-anew.ts'
import type { OpenedResults } from './opened-results.ts'
import type { ReadResults, ResultEntry } from './result-reading.ts'
import { classNamed, wordsFor } from './result-words.ts'
import { useRowPicture } from './row-picture.ts'
import { pictureKey } from './use-results.ts'
import { useRow } from './use-row.ts'

/** The row that is looked at: its evidence, what the network said, all of it in numbers. */
export function RowDetails({
  opened,
  results,
  onChosen,
  ...context
}: AnewContext & {
  opened: OpenedResults
  results: ReadResults
  onChosen: (entry: ResultEntry) => void
}) {
  const { chosen } = opened
  const known = useRow(chosen, context.onProblem)
  const isStale = known?.entry !== chosen
  if (!chosen || !known)
    return (
      <section class="panel explanation result-row" aria-label="An explanation">
        <p class="empty">{chosen ? 'Reading…' : 'Choose a row to see its evidence.'}</p>
      </section>
    )
  const { row } = known
  const name = classNamed(results.classNames, row.class_index)
  const words = wordsFor(row.probabilities ?? [])
  return (
    <section class="panel explanation result-row" aria-labelledby="row-title" aria-busy={isStale}>
      <h2 id="row-title">{row.error === null ? words.question(name) : 'Not explained'}</h2>
      {row.error === null ? (
        <ExplainedRow
          row={row}
          isStale={isStale}
          opened={opened}
          results={results}
          chosen={chosen}
          onChosen={onChosen}
          {...context}
        />
      ) : (
        <div class="unexplained">
          <p class="picture-name">{row.path ?? row.id}</p>
          <p class="warning">{row.error}</p>
        </div>
      )}
    </section>
  )
}

function ExplainedRow({
  row,
  isStale,
  opened: { pictures, description },
  results: { classNames, entries },
  chosen,
  onChosen,
  onProblem,
  ...context
}: AnewContext & {
  row: ResultRow
  isStale: boolean
  opened: OpenedResults
  results: ReadResults
  chosen: ResultEntry
  onChosen: (entry: ResultEntry) => void
}) {
  const { images } = context
  const [look, setLook] = useState<Look>({ shows: 'overlay', isTrustOpen: false })
  const [fit, setFit] = useState<Fit>('squash')
  const [highlighted, highlight] = useState<number | null>(null)
  const index = testImageOf(row, images.count)
  const file = pictures.get(pictureKey(row.path ?? row.id)) ?? null
  const usedFit = description?.fit ?? fit
  const underlay = useMemo(
    () => (index !== null ? testPicture(images, index).pixels : file && { file, fit: usedFit }),
    [images, index, file, usedFit],
  )
  const picture = useRowPicture(row, underlay, onProblem)

  const words = wordsFor(row.probabilities ?? [])
  const explained = useMemo(() => explainedIn(row), [row])
  const names = useMemo(() => namesOf(classNames, row.probabilities?.length ?? 0), [row, classNames])
  const name = names[row.class_index ?? 0]
  const wrong = row.label_index !== null && row.label_index !== row.predicted
  const others = useMemo(() => rowsOfImage(entries, chosen), [entries, chosen])
  const title = index === null ? (row.path ?? row.id) : `Test image ${index}`
  return (
    <>
      <div class={isStale ? 'answer is-stale' : 'answer'}>
        {picture ? (
          <PhotographEvidence
            name={title}
            result={{ ...picture, hiddenPixels: picture.pixels, classNames: names, flip: null }}
            explained={explained}
            words={words}
            shows={
              look.shows === 'panels' || (look.shows === 'overlay' && !picture.hasPicture) ? 'heatmap' : look.shows
            }
            isStale={picture.row !== row}
            hiding={{ highlighted, hidden: nothing, highlight }}
          />
        ) : (
          <figure class="answer-picture">
            <div class="picture-to-come" />
          </figure>
        )}
        <div class="answer-words">
          <div>
            <p class="picture-name">{title}</p>
            <p>
              The network says <strong class="predicted">{classNamed(classNames, row.predicted)}</strong>
              {row.predicted !== null && row.probabilities && (
                <span class="said-number"> with {words.number(row.probabilities[row.predicted])}</span>
              )}
            </p>
            {row.label_index !== null ? (
              <p class={wrong ? 'mark wrong' : 'mark right'}>
                {wrong ? `✗ wrong: it is labelled ${classNamed(classNames, row.label_index)}` : '✓ right'}
              </p>
            ) : (
              row.label !== null && <p class="mark">Its label: {row.label}</p>
            )}
          </div>
          <TopAnswers row={row} names={names} />
          {others.length > 0 && (
            <p class="other-rows">
              {others.map((entry) => (
                <button key={entry.at} type="button" onClick={() => onChosen(entry)}>
                  {words.question(classNamed(classNames, entry.explained))}
                </button>
              ))}
            </p>
          )}
          {picture?.hasPicture && <LookChoice side="left" look={look} hasPanels={false} onLook={setLook} />}
          {index === null && (
            <UnderlayNote
              name={pictureName(row)}
              hasFile={file !== null}
              fit={description ? null : fit}
              onFit={setFit}
            />
          )}
          {index !== null && (
            <AnewLink row={row} index={index} description={description} onProblem={onProblem} {...context} />
          )}
        </div>
      </div>
      <div class={isStale ? 'result is-stale' : 'result'}>
        {row.warnings.map((warning) => (
          <p key={warning} class="warning">
            {warning}
          </p>
        ))}
        {picture && (
          <SegmentTable
            className={name}
            words={words}
            weightTitle={row.method === 'shapley' ? 'Shapley value' : 'Weight'}
            segments={picture.segments}
            weights={explained.weights}
            intervals={explained.intervals}
            highlighted={highlighted}
            onHighlight={highlight}
          />
        )}
        <RowFacts row={row} />
      </div>
    </>
  )
}

const nothing: ReadonlySet<number> = new Set()

function TopAnswers({
  row: { probabilities, predicted, label_index: label },
  names,
}: {
  row: ResultRow
  names: readonly string[]
}) {
  if (!probabilities) return null
  const words = wordsFor(probabilities)
  const most = 5
  const top = Array.from(probabilities.keys())
    .sort((a, b) => probabilities[b] - probabilities[a])
    .slice(0, most)
  const shown = label === null || top.includes(label) || label >= probabilities.length ? top : [...top, label]
  return (
    <table class="probabilities">
      <caption class="visually-hidden">What the network said</caption>
      <thead class="visually-hidden">
        <tr>
          <th scope="col">Class</th>
          <th scope="col">{words.isProbability ? 'Probability' : 'Value'}</th>
        </tr>
      </thead>
      <tbody>
        {shown.map((each) => (
          <tr
            key={each}
            class={each === predicted ? 'is-predicted' : undefined}
            data-right={each === predicted && label !== null ? each === label : undefined}
          >
            <th scope="row">
              {names[each]}
              {each === label && (
                <span class="true-label">
                  true<span class="visually-hidden"> label</span>
                </span>
              )}
            </th>
            <AnswerCell said={probabilities[each]} words={words} />
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** What lies under the segments of an image that the page has not. */
function UnderlayNote({
  name,
  hasFile,
  fit,
  onFit,
}: {
  /** The picture's file. */
  name: string
  hasFile: boolean
  /** How it came to the network; null where the run says it. */
  fit: Fit | null
  onFit: (fit: Fit) => void
}) {
  if (!hasFile)
    return (
      <p class="hint underlay-note">
        The files hold no pictures. Drop <strong>{name}</strong> here to see the evidence on it, or all pictures of the
        run: each is found by its file’s name.
      </p>
    )
  if (fit === null) return null
  return (
    <Choice
      title="What the network saw of it"
      names={fits}
      titleOf={(each) => (each === 'crop' ? 'The middle' : 'All of it, squashed')}
      chosen={fit}
      onChoose={onFit}
    />
  )
}

function RowFacts({ row }: { row: ResultRow }) {
  const { intercept, r2, segment_count: segmentCount, samples, random_state: state, random_seed: seed } = row
  const seeds = hasOneSeed(row) ? String(seed) : `${state}, ${seed}`
  const parts = [
    ['segmentation', row.seconds_segmentation],
    ['prediction', row.seconds_prediction],
    ['fit', row.seconds_fit],
  ] as const
  const times = parts.flatMap(([what, seconds]) => (seconds === null ? [] : [`${what} ${duration(seconds * 1000)}`]))
  return (
    <dl class="facts">
      <Fact term="R²" title="How much of what the network said of the samples the weights explain">
        {r2 === null ? '–' : decimal(r2)}
      </Fact>
      <Fact term="Intercept" title="What the class gets with all segments hidden">
        {intercept === null ? '–' : decimal(intercept)}
      </Fact>
      <Fact term="Segments">{segmentCount ?? '–'}</Fact>
      <Fact term="Samples">{samples === null ? '–' : count(samples)}</Fact>
      <Fact term={hasOneSeed(row) ? 'Seed' : 'Seeds'} title="Of the samples, and of the segmenter">
        {seeds}
      </Fact>
      <Fact term="Time" title={times.join(', ')}>
        {duration(row.seconds * 1000)}
      </Fact>
    </dl>
  )
}

/** What all classes are called: rows name few of many. A network that names as many as the data set has, and as it does, has those. */
function namesOf(classNames: ReadResults['classNames'], size: number): string[] {
  const isOfDataSet =
    size === task.classNames.length && [...classNames].every(([label, name]) => task.classNames[label] === name)
  return Array.from({ length: size }, (_, label) =>
    isOfDataSet ? task.classNames[label] : classNamed(classNames, label),
  )
}

/** The row as the page's parts take explanations. */
function explainedIn(row: ResultRow) {
  const found = (row.weights ?? []).flatMap((weight, segment) =>
    weight === null
      ? []
      : [{ segment, weight, low: row.weights_low?.[segment] ?? null, high: row.weights_high?.[segment] ?? null }],
  )
  found.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
  const intervals = found.flatMap(({ segment, weight, low, high }) =>
    low === null || high === null ? [] : [{ segment, weight, low, high }],
  )
  return {
    label: row.class_index ?? 0,
    weights: found.map(({ segment, weight }) => [segment, weight] as const),
    intervals: intervals.length === found.length && found.length > 0 ? intervals : null,
  }
}

/** Other classes that the same image is explained for: an image's rows follow one another. */
function rowsOfImage(entries: readonly ResultEntry[], entry: ResultEntry): readonly ResultEntry[] {
  const place = entries.indexOf(entry)
  const first = place - entry.position
  const found: ResultEntry[] = []
  for (let at = Math.max(0, first); entries[at]?.id === entry.id; at++) if (at !== place) found.push(entries[at])
  return found
}

function pictureName({ path, id }: ResultRow): string {
  return (path ?? id).split('/').at(-1) ?? id
}
