import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { classNames } from '../../data/fashion-mnist.ts'
import { duration } from '../number-format.ts'
import type { Asked } from '../page-address.ts'
import type { Picture } from '../pictures/picture.ts'
import { useRun } from '../use-run.ts'
import type { DeviceStatus, ExplanationProgress, ExplanationResult, OwnNetwork, Side } from '../worker/engine-api.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import { areValid, ExplanationForm } from './explanation-form.tsx'
import { ExplanationProgressBar } from './explanation-progress.tsx'
import { ExplanationView, type Look } from './explanation-view.tsx'

/** An explanation and what it is of. */
export interface ShownExplanation {
  readonly picture: Picture
  readonly asked: Asked
  readonly device: DeviceStatus
  readonly ownNetwork: OwnNetwork | null
  readonly result: ExplanationResult
}

const beginning: ExplanationProgress = { phase: 'segmentation', done: 0, total: 1 }
/** While a slider moves or somebody types, in ms: the next change comes sooner than this. */
const pause = 60
/** A run that ends sooner, in ms, only makes the page flicker when it shows how far it is. */
const shortRun = 400

/** Explaining: the settings, the run, its result. */
export function ExplanationPanel({
  engine,
  side,
  title,
  picture,
  asked,
  onAsked,
  probabilities,
  device,
  ownNetwork,
  onProblem,
}: {
  engine: EngineClient
  side: Side
  title: string
  picture: Picture
  asked: Asked
  onAsked: (asked: Asked) => void
  probabilities: Float32Array | null
  device: DeviceStatus | null
  ownNetwork: OwnNetwork | null
  onProblem: (problem: string | null) => void
}) {
  const { state, start, stop, clear } = useRun<ShownExplanation, ExplanationProgress>(
    engine,
    `explain-${side}`,
    'The explanation',
    onProblem,
  )
  const { network, label, settings, isExplained } = asked
  /** What its numbers depend on: of one's own network a new object is a new network. */
  const usedNetwork = network === 'own' ? ownNetwork : null
  const canExplain = device !== null && areValid(settings)

  const explain = useCallback(() => {
    if (!device) return
    const asking = {
      picture,
      asked: { network, label: null, settings, isExplained: true },
      device,
      ownNetwork: usedNetwork,
    }
    start(
      async (onProgress) => ({
        ...asking,
        result: await engine.explain(side, network, picture.pixels, settings, onProgress),
      }),
      beginning,
    )
  }, [engine, side, device, picture, network, usedNetwork, settings, start])

  const shown = state.phase === 'done' ? state.result : state.phase === 'running' ? state.former : null
  const now = useRef({ isExplained, isShown: shown !== null })
  now.current = { isExplained, isShown: shown !== null }

  // Every change is explained at once, as long as it is explained at all.
  useEffect(() => {
    if (!isExplained || !canExplain) return
    const timer = setTimeout(explain, now.current.isShown ? pause : 0)
    return () => clearTimeout(timer)
  }, [isExplained, canExplain, explain])
  // An explanation that is not made anew is that of one picture.
  useEffect(() => {
    if (picture && !now.current.isExplained) clear()
  }, [picture, clear])
  useEffect(() => clear, [clear])

  const [look, setLook] = useState<Look>({ shows: 'overlay', isTrustOpen: false })
  const [isLong, setLong] = useState(false)
  useEffect(() => {
    if (state.phase !== 'running') return setLong(false)
    const timer = setTimeout(() => setLong(true), shortRun)
    return () => clearTimeout(timer)
  }, [state.phase])
  const showsProgress = state.phase === 'running' && (shown === null || isLong)
  const isCurrent =
    state.phase === 'done' &&
    shown?.picture === picture &&
    shown.asked.settings === settings &&
    shown.asked.network === network &&
    shown.ownNetwork === usedNetwork &&
    shown.device === device
  const isAwaited = isExplained && canExplain && !isCurrent && state.phase !== 'failed' && state.phase !== 'stopped'
  const isBusy = state.phase === 'running' || isAwaited
  const explained = shown && (shown.result.labels.find((each) => each.label === label) ?? shown.result.labels[0])
  const titleId = `explanation-title-${side}`

  return (
    <section class="panel explanation" aria-labelledby={titleId} aria-busy={isBusy}>
      <h2 id={titleId}>{title}</h2>
      <ExplanationForm
        asked={asked}
        onAsked={onAsked}
        probabilities={probabilities}
        isRunning={showsProgress}
        canExplain={canExplain}
        onExplain={() => {
          onProblem(null)
          if (isExplained) explain()
          else onAsked({ ...asked, isExplained: true })
        }}
        onStop={() => {
          stop()
          onAsked({ ...asked, isExplained: false })
        }}
      />
      {showsProgress && <ExplanationProgressBar progress={state.progress} />}
      <p class="visually-hidden" role="status">
        {state.phase === 'done' && explained
          ? `Explained ${classNames[explained.label]} in ${duration(state.result.result.timings.total)}.`
          : ''}
      </p>
      {state.phase === 'stopped' && (
        <p class="empty">Stopped before the end, so there is nothing to show. Explain again whenever you like.</p>
      )}
      {!isExplained && state.phase === 'none' && (
        <p class="empty">
          LIME hides parts of the picture, again and again, and watches the probability of one class. The parts it
          misses most are what speaks for that class.
        </p>
      )}
      {shown && explained && (
        // Another result has other segments: none of them is hidden or highlighted.
        <ExplanationView
          key={shown.result}
          engine={engine}
          side={side}
          shown={shown}
          isStale={!isCurrent}
          explained={explained}
          look={look}
          onLook={setLook}
          onProblem={onProblem}
        />
      )}
    </section>
  )
}
