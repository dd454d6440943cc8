import { task } from '../../tasks/chosen-task.ts'
import type { Evaluation } from '../contract/engine-api.ts'
import { count, percent } from '../number-format.ts'
import type { Counted, RunState } from '../parts/use-run.ts'
import type { ImageFilter } from '../pictures/image-filter.ts'
import { ClassTable } from './class-table.tsx'
import { ConfusionMatrix } from './confusion-matrix.tsx'

/** How good the network is: accuracy, which class it takes for which, and scores for each class. */
export function JudgementPanel({
  state,
  total,
  canJudge,
  onJudge,
  onStop,
  onOpen,
}: {
  state: RunState<Evaluation, Counted>
  total: number
  canJudge: boolean
  onJudge: () => void
  onStop: () => void
  /** Shows these pictures. */
  onOpen: (filter: ImageFilter) => void
}) {
  const evaluation = state.phase === 'done' ? state.result : null
  return (
    <section class="panel judgement" aria-labelledby="judgement-title" aria-busy={state.phase === 'running'}>
      <h2 id="judgement-title">How good is it?</h2>
      <div class="judgement-head">
        {state.phase === 'running' ? (
          <button key="stop" type="button" class="stop" onClick={onStop}>
            Stop
          </button>
        ) : (
          <button key="judge" type="button" class="primary" disabled={!canJudge} onClick={onJudge}>
            Judge all {count(total)} test images
          </button>
        )}
        {state.phase === 'running' && (
          <div class="progress">
            <progress
              max={1}
              value={state.progress.done / state.progress.total}
              aria-label="Judgement"
              aria-valuetext={`${count(state.progress.done)} of ${count(state.progress.total)} images`}
            />
          </div>
        )}
        {evaluation && (
          <p role="status">
            <strong class="accuracy">{percent(evaluation.accuracy)}</strong> right: {count(evaluation.wrong.length)} of{' '}
            {count(evaluation.count)} are taken for something else.
          </p>
        )}
        {evaluation && evaluation.wrong.length > 0 && (
          <button type="button" onClick={() => onOpen({ label: null, said: 'wrong', order: 'most confident' })}>
            See the most confident mistakes
          </button>
        )}
        {state.phase === 'none' && (
          <p class="hint">
            See which classes it confuses, and open the pictures it gets wrong. It is judged by pictures that it has
            never seen.
          </p>
        )}
      </div>
      {evaluation && (
        <div class="judgement-result">
          <ConfusionMatrix
            matrix={evaluation.confusionMatrix}
            names={task.classNames}
            onCell={(label, said) => onOpen({ label, said, order: 'most confident' })}
          />
          <ClassTable report={evaluation.report} />
        </div>
      )}
    </section>
  )
}
