import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { EpochLog } from '../../../engine/index.ts'
import type {
  InterruptedTraining,
  TrainingEvent,
  TrainingPoint,
  TrainingRecipe,
  TrainingSource,
  WatchedMoment,
} from '../contract/engine-api.ts'
import { type EngineClient, isStopped } from '../worker/engine-client.ts'
import { messageOf } from '../worker/use-engine.ts'
import { recipes } from './recipes.ts'
import { trainAlone, watchOtherTabs } from './training-lock.ts'

/** A training as the page shows it. */
export interface TrainingState {
  readonly phase: 'none' | 'fetching' | 'running' | 'validating' | 'paused' | 'stopped' | 'done'
  readonly recipe: TrainingRecipe | null
  readonly source: TrainingSource | null
  /** Of the training images' file, in bytes. */
  readonly fetched: { readonly received: number; readonly total: number | null } | null
  readonly points: readonly TrainingPoint[]
  readonly log: readonly EpochLog[]
  readonly moments: readonly WatchedMoment[]
  readonly note: string | null
}

const untrained: TrainingState = {
  phase: 'none',
  recipe: null,
  source: null,
  fetched: null,
  points: [],
  log: [],
  moments: [],
  note: null,
}

export interface TrainingPlan {
  readonly recipe: TrainingRecipe
  /** Numbers of test images. */
  readonly watched: readonly number[]
}

/** A shirt that is taken for other things for long, and shoes that are told apart sooner. */
const firstPlan: TrainingPlan = { recipe: recipes.layers.quick, watched: [135, 0, 12] }

export interface TrainingControl {
  readonly state: TrainingState
  /** A training that was cut off and can go on. */
  readonly interrupted: InterruptedTraining | null
  /** Another tab trains: this one can do everything else. */
  readonly isElsewhere: boolean
  /** What is trained next, and watched meanwhile: it stays while other views are looked at. */
  readonly plan: TrainingPlan
  setPlan(plan: TrainingPlan): void
  /** As planned. */
  start(): void
  goOn(): void
  discard(): void
  steer(how: 'pause' | 'resume' | 'step'): void
  stop(): void
}

function after(state: TrainingState, event: TrainingEvent): TrainingState {
  switch (event.kind) {
    case 'fetching':
      return { ...state, fetched: event }
    case 'began':
      return { ...state, phase: 'running', recipe: event.recipe, source: event.source, fetched: null }
    case 'steps':
      // A step that was asked for in a pause ends in the next one.
      return {
        ...state,
        phase: state.phase === 'validating' ? 'running' : state.phase,
        points: [...state.points, ...event.points],
      }
    case 'validating':
      return { ...state, phase: 'validating' }
    case 'epoch':
      return { ...state, phase: 'running', log: [...state.log, event.log] }
    case 'back':
      return {
        ...state,
        points: state.points.filter(
          ({ epoch, step }) => epoch < event.epoch || (epoch === event.epoch && step <= event.step),
        ),
        log: state.log.filter(({ epoch }) => epoch < event.epoch),
      }
    case 'paused':
      return { ...state, phase: 'paused' }
    case 'watched':
      return { ...state, moments: [...state.moments, event.moment] }
    case 'note':
      return { ...state, note: event.text }
  }
}

/** One training at a time, of the network of one's own. */
export function useTraining(
  engine: EngineClient,
  foundAtFirst: InterruptedTraining | null,
  onProblem: (problem: string | null) => void,
): TrainingControl {
  const [state, setState] = useState(untrained)
  const [isOver, setOver] = useState(false)
  const [plan, setPlan] = useState(firstPlan)
  const [isElsewhere, setElsewhere] = useState(false)
  const [found, setFound] = useState<InterruptedTraining | null>(null)
  useEffect(() => setFound(foundAtFirst), [foundAtFirst])
  const isOwn = useRef(false)
  /** Aborts a training that has its turn yet to come; of one that runs, the Worker hears. */
  const waiting = useRef(new AbortController())
  useEffect(
    () =>
      watchOtherTabs((isElsewhere) => {
        if (isOwn.current) return
        setElsewhere(isElsewhere)
        if (isElsewhere) return
        // The other tab may have been closed midway: then this one can go on in its place.
        engine.findInterrupted().then(
          (left) => {
            setFound(left)
            setOver(false)
          },
          () => {},
        )
      }),
    [engine],
  )

  const run = useCallback(
    (recipe: TrainingRecipe | 'interrupted', watched: readonly number[], beginning: TrainingState) => {
      onProblem(null)
      setOver(true)
      setState({ ...beginning, phase: 'fetching' })
      let hasBegun = false
      const stopped = new AbortController()
      waiting.current = stopped
      trainAlone(async () => {
        stopped.signal.throwIfAborted()
        isOwn.current = true
        return engine.train(recipe, watched, (event) => {
          hasBegun ||= event.kind === 'began'
          setState((before) => after(before, event))
        })
      })
        .finally(() => {
          isOwn.current = false
        })
        .then(
          () => setState((before) => ({ ...before, phase: 'done' })),
          (error) => {
            setState((before) => ({ ...before, phase: hasBegun ? 'stopped' : 'none' }))
            // What was cut off before is still there.
            if (!hasBegun) setOver(false)
            if (!isStopped(error)) onProblem(`The training failed: ${messageOf(error)}`)
          },
        )
    },
    [engine, onProblem],
  )
  const interrupted = isOver || isElsewhere ? null : found
  return {
    state,
    interrupted,
    isElsewhere,
    plan,
    setPlan,
    start: useCallback(() => run(plan.recipe, plan.watched, untrained), [run, plan]),
    goOn: useCallback(() => {
      if (!found) return
      const { recipe, log, points } = found
      setPlan({ ...plan, recipe })
      run('interrupted', plan.watched, { ...untrained, recipe, log, points })
    }, [run, found, plan]),
    discard: useCallback(() => {
      setOver(true)
      engine.discardInterrupted()
    }, [engine]),
    steer: useCallback(
      (how) => {
        engine.steer(how)
        if (how === 'resume') setState((before) => ({ ...before, phase: 'running' }))
      },
      [engine],
    ),
    stop: useCallback(() => {
      waiting.current.abort()
      engine.stop('train')
    }, [engine]),
  }
}
