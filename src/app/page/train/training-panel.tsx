import { useLayoutEffect, useRef } from 'preact/hooks'
import type {
  DeviceStatus,
  ImageSet,
  InterruptedTraining,
  OwnNetwork,
  TrainingRecipe,
  TrainingSource,
} from '../contract/engine-api.ts'
import { count, duration } from '../number-format.ts'
import { Fact } from '../parts/fact.tsx'
import type { EngineClient } from '../worker/engine-client.ts'
import { LearningCurves } from './learning-curves.tsx'
import { NetworkFiles } from './network-files.tsx'
import { TrainingForm } from './training-form.tsx'
import type { TrainingControl, TrainingState } from './use-training.ts'
import { WatchedPictures } from './watched-pictures.tsx'

/** Training a network of one's own: what, how, how it goes, what it learns. */
export function TrainingPanel({
  engine,
  images,
  device,
  ownNetwork,
  training,
  onUse,
  onProblem,
}: {
  engine: EngineClient
  images: ImageSet
  device: DeviceStatus | null
  ownNetwork: OwnNetwork | null
  training: TrainingControl
  /** Explains with the network that was trained. */
  onUse: () => void
  onProblem: (problem: string | null) => void
}) {
  const { state, interrupted, isElsewhere, plan, setPlan, start, goOn, discard, steer, stop } = training
  const { recipe, watched } = plan
  const { phase } = state
  const isTraining = phase === 'fetching' || phase === 'running' || phase === 'validating' || phase === 'paused'
  const hasBegun = phase !== 'none'
  const courseTitle = useRef<HTMLHeadingElement>(null)
  const wasTraining = useRef(isTraining)
  useLayoutEffect(() => {
    // The button that was pressed is gone, and on a narrow screen how it goes lies above the form: it is led there, with the focus.
    if (isTraining && !wasTraining.current) courseTitle.current?.focus()
    wasTraining.current = isTraining
  }, [isTraining])

  const settings = (
    <section key="settings" class="panel training-settings" aria-labelledby="training-title">
      <h2 id="training-title">Train a network of your own</h2>
      <p class={isElsewhere ? 'interrupted' : 'visually-hidden'} role="status">
        {isElsewhere &&
          'A training runs in another tab of this browser. Everything else works here meanwhile; when that one ends, or its tab is closed, this one can train.'}
      </p>
      {interrupted && <CutOff interrupted={interrupted} canGoOn={device !== null} onGoOn={goOn} onDiscard={discard} />}
      <TrainingForm
        engine={engine}
        recipe={recipe}
        onRecipe={(changed) => setPlan({ ...plan, recipe: changed })}
        isTraining={isTraining}
        canTrain={device !== null && !isElsewhere}
        onTrain={start}
        onProblem={onProblem}
      />
      <NetworkFiles
        engine={engine}
        ownNetwork={ownNetwork}
        isTraining={isTraining}
        onUse={onUse}
        onProblem={onProblem}
      />
    </section>
  )
  const progress = (
    <section key="course" class="panel training-course" aria-labelledby="course-title" aria-busy={phase === 'running'}>
      <h2 id="course-title" ref={courseTitle} tabIndex={-1}>
        How it goes
      </h2>
      {isTraining && <Steering phase={phase} steer={steer} onStop={stop} />}
      <Course state={state} />
      {state.points.length > 0 && <LearningCurves points={state.points} log={state.log} />}
      <WatchedPictures
        images={images}
        watched={watched}
        onWatched={(changed) => setPlan({ ...plan, watched: changed })}
        canChange={!isTraining}
        moments={state.moments}
      />
    </section>
  )
  // Side by side where there is room. Where there is not, and for the keyboard, what is looked at comes first: until a training has
  // begun that is what is to be trained, and then how it goes.
  return <>{hasBegun ? [progress, settings] : [settings, progress]}</>
}

/** A training that was cut off: it goes on or is forgotten. */
function CutOff({
  interrupted: { epoch, step, recipe },
  canGoOn,
  onGoOn,
  onDiscard,
}: {
  interrupted: InterruptedTraining
  canGoOn: boolean
  onGoOn: () => void
  onDiscard: () => void
}) {
  return (
    <div class="interrupted">
      <p>
        A training was cut off in epoch {epoch} of {recipe.epochs}, after {count(step)} steps of it. It can go on as if
        nothing had happened.
      </p>
      <div class="buttons">
        <button type="button" class="primary" disabled={!canGoOn} onClick={onGoOn}>
          Go on
        </button>
        <button type="button" onClick={onDiscard}>
          Forget it
        </button>
      </div>
    </div>
  )
}

/** Holds a training, lets it go on or do a step, and ends it. */
function Steering({
  phase,
  steer,
  onStop,
}: {
  phase: TrainingState['phase']
  steer: TrainingControl['steer']
  onStop: () => void
}) {
  return (
    <div class="buttons">
      {phase === 'paused' ? (
        <button key="resume" type="button" class="primary" onClick={() => steer('resume')}>
          Resume
        </button>
      ) : (
        <button key="pause" type="button" disabled={phase === 'fetching'} onClick={() => steer('pause')}>
          Pause
        </button>
      )}
      <button type="button" disabled={phase !== 'paused'} onClick={() => steer('step')}>
        One step
      </button>
      <button type="button" class="stop" onClick={onStop}>
        Stop
      </button>
    </div>
  )
}

const phases: Readonly<Record<TrainingState['phase'], string>> = {
  none: 'Not started.',
  fetching: 'Fetching the training images.',
  running: 'Training.',
  validating: 'Validating.',
  paused: 'Paused.',
  stopped: 'Stopped; the network stays as it is.',
  done: 'Done.',
}

/** How far it is, how fast, how long yet. */
function Course({ state: { phase, recipe, source, fetched, points, log, note } }: { state: TrainingState }) {
  const last = points.at(-1)
  const steps = last?.steps ?? 0
  const total = steps * (recipe?.epochs ?? 0)
  const done = last ? (last.epoch - 1) * steps + last.step : 0
  const share = phase === 'fetching' ? fetched?.total && fetched.received / fetched.total : total > 0 ? done / total : 0
  const ended = log.at(-1)
  // What an epoch takes besides its steps: the validation, mostly.
  const besides = ended ? Math.max(0, ended.seconds * 1000 - ended.msPerStep * ended.steps) : 0
  const epochsLeft = recipe && last ? recipe.epochs - log.length : 0
  const left = last ? (total - done) * last.msPerStep + epochsLeft * besides : null
  const isOver = phase === 'done' || phase === 'stopped' || phase === 'none'
  return (
    <div class="course">
      {phase === 'none' ? (
        <p class="hint">
          The network starts from chance and sees the training images epoch by epoch. After each, images it does not
          learn from tell how good it is.
        </p>
      ) : (
        <div class="progress">
          <progress max={1} value={share ?? undefined} aria-label="Training" aria-valuetext={phases[phase]} />
          <span role="status" data-phase={phase}>
            {phases[phase]}
          </span>
        </div>
      )}
      {fetched && (
        <p class="hint">
          {megabytes(fetched.received)}
          {fetched.total !== null && ` of ${megabytes(fetched.total)}`} MB; kept in this browser afterwards.
        </p>
      )}
      {last && recipe && (
        <dl class="facts">
          <Fact term="Epoch">
            {last.epoch} of {recipe.epochs}
          </Fact>
          <Fact term="Step">
            {count(last.step)} of {count(steps)}
          </Fact>
          <Fact term="Loss">{last.loss.toFixed(4)}</Fact>
          <Fact term="A step takes">{duration(last.msPerStep)}</Fact>
          <Fact term="Images a second">{count(Math.round((1000 * recipe.batchSize) / last.msPerStep))}</Fact>
          <Fact term="Left">{isOver || left === null ? '–' : `about ${duration(left)}`}</Fact>
        </dl>
      )}
      {source && recipe && <p class="hint">{inWords(source, recipe)}</p>}
      {note && (
        <p class="warning" role="status">
          {note}
        </p>
      )}
    </div>
  )
}

function inWords({ reason, validation }: TrainingSource, recipe: TrainingRecipe): string {
  const learned = `It learns from ${count(recipe.images)} images and is validated on ${count(validation)} test images.`
  return reason ? `${learned} ${reason}` : learned
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
