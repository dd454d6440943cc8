import { count } from '../number-format.ts'
import { Fact } from '../parts/fact.tsx'
import { FileButton } from '../parts/file-button.tsx'
import type { OpenedResults } from './opened-results.ts'
import type { ResultsControl } from './use-results.ts'
import { useRow } from './use-row.ts'

/** Which run these results are of, how much of it is there, and what is still to be read. */
export function RunFacts({
  opened,
  control,
  onProblem,
}: {
  opened: OpenedResults
  control: ResultsControl
  onProblem: (problem: string) => void
}) {
  const { run, parts, of, missing, phase, done, results, description } = opened
  const total = (what: 'images' | 'rows' | 'errors') => parts.reduce((sum, { header }) => sum + header[what], 0)
  const entries = results?.entries ?? []
  const first = entries.find(({ error }) => error === null) ?? entries.at(0) ?? null
  const row = useRow(first, onProblem)?.row
  return (
    <section class="panel run-facts" aria-labelledby="run-title" aria-busy={phase === 'reading'}>
      <div class="run-head">
        <h2 id="run-title">
          Results of the run <span class="run-hash">{run}</span>
        </h2>
        <FileButton title="Choose files…" label="Files of results" multiple onFiles={control.open} />
      </div>
      <dl class="facts">
        <Fact term="Images">{count(total('images'))}</Fact>
        <Fact term="Explanations" title="An image is explained for the predicted class, and for the true one">
          {count(total('rows') - total('errors'))}
        </Fact>
        <Fact term="Not explained">{count(total('errors'))}</Fact>
        <Fact term="Parts">{of === null ? count(parts.length) : `${count(parts.length)} of ${count(of)}`}</Fact>
        <Fact term="Method">
          {row ? (methodTitles[row.method] ?? row.method) : '–'}
          {row?.samples ? `, ${count(row.samples)} samples` : ''}
        </Fact>
        <Fact term="Network">{description ? (description.model.split(/[/\\]/).at(-1) ?? '') : 'not said'}</Fact>
      </dl>
      <p class="hint">
        {row ? `Computed by ${row.device}, Limelight ${row.program}. ` : 'Reading… '}
        {!description && 'The parts do not say the network and all settings: run.json does, which lies beside them.'}
      </p>
      {missing.length > 0 && (
        <p class="warning">
          Missing {missing.length === 1 ? 'is' : `are ${count(missing.length)} parts,`} {listed(missing)}, with{' '}
          {missing.length === 1 ? 'its' : 'their'} images. Drop {missing.length === 1 ? 'it' : 'them'} here to add{' '}
          {missing.length === 1 ? 'it' : 'them'}.
        </p>
      )}
      {of === null && (
        <p class="hint">How many parts the run has is not known: the files’ names, which say so, were changed.</p>
      )}
      {phase !== 'done' && <ReadingState opened={opened} control={control} done={done} total={total('rows')} />}
    </section>
  )
}

const methodTitles: Readonly<Record<string, string>> = { lime: 'LIME', shapley: 'Shapley values' }

function ReadingState({
  opened: { phase },
  control,
  done,
  total,
}: {
  opened: OpenedResults
  control: ResultsControl
  done: number
  total: number
}) {
  const text = `${count(done)} of ${count(total)} rows read`
  const isReading = phase === 'reading'
  return (
    <div class="reading">
      <div class="progress">
        <progress max={1} value={total > 0 ? done / total : 1} aria-label="Reading" aria-valuetext={text} />
        <span role={isReading ? undefined : 'status'}>
          {isReading ? text : `Stopped: ${text}. What is below is of those.`}
        </span>
      </div>
      <button type="button" class={isReading ? 'stop' : 'primary'} onClick={isReading ? control.stop : control.goOn}>
        {isReading ? 'Stop' : 'Read the rest'}
      </button>
    </div>
  )
}

/** As the files' names have them. */
function listed(shards: readonly number[]): string {
  const most = 8
  const names = shards.slice(0, most).map((shard) => `part-${String(shard).padStart(5, '0')}`)
  return names.join(', ') + (shards.length > most ? ' and others' : '')
}
