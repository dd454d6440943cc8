import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { DeviceStatus, OwnNetwork } from '../contract/engine-api.ts'
import type { Asked } from '../contract/page-address.ts'
import type { Side } from '../contract/side.ts'
import { duration } from '../number-format.ts'
import type { Picture } from '../pictures/picture.ts'
import type { Prediction } from '../pictures/use-prediction.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import { Answer } from './answer.tsx'
import { ExplanationDetails } from './explanation-details.tsx'
import { ExplanationForm } from './explanation-form.tsx'
import { ExplanationProgressBar } from './explanation-progress.tsx'
import type { Look } from './look-choice.tsx'
import { useExplanation } from './use-explanation.ts'
import { useHiding } from './use-hiding.ts'

/** A run that ends sooner, in ms, only makes the page flicker when it shows how far it is. */
const shortRun = 400

/** One picture: what the network says, why, what follows; then how it was explained, and all of it in numbers. */
export function ExplanationPanel({
  engine,
  side,
  title,
  picture,
  onPicture,
  note = null,
  prediction,
  asked,
  onAsked,
  device,
  ownNetwork,
  isLinkWhole,
  onProblem,
  children,
}: {
  engine: EngineClient
  side: Side
  title: string
  picture: Picture
  onPicture: (picture: Picture) => void
  /** What is to be said of the picture itself. */
  note?: ComponentChildren
  prediction: Prediction | null
  asked: Asked
  onAsked: (asked: Asked) => void
  device: DeviceStatus | null
  ownNetwork: OwnNetwork | null
  /** Whether the page's address holds all that is shown. */
  isLinkWhole: boolean
  onProblem: (problem: string | null) => void
  /** What else belongs to it, between the answer and its numbers. */
  children?: ComponentChildren
}) {
  const run = useExplanation(engine, side, picture, asked, device, ownNetwork, onProblem)
  const { state, shown, explained, isStale } = run
  const isLong = useIsLong(state.phase === 'running')
  const showsProgress = state.phase === 'running' && (shown === null || isLong)
  const [look, setLook] = useState<Look>({ shows: 'overlay', isTrustOpen: false })
  const hiding = useHiding(engine, side, shown?.result ?? null, isStale, onProblem)
  const common = { side, look, onLook: setLook, hiding }
  const titleId = `explanation-title-${side}`
  return (
    <section class="panel explanation" aria-labelledby={titleId} aria-busy={run.isBusy}>
      <h2 id={titleId}>{title}</h2>
      <Answer
        {...common}
        picture={picture}
        onPicture={onPicture}
        note={note}
        prediction={prediction}
        run={run}
        method={asked.settings.method}
      />
      {showsProgress && <ExplanationProgressBar progress={state.progress} />}
      <p class="visually-hidden" role="status">
        {state.phase === 'done' && explained
          ? `Explained ${state.result.result.classNames[explained.label]} in ${duration(state.result.result.timings.total)}.`
          : ''}
      </p>
      <ExplanationForm
        asked={asked}
        onAsked={onAsked}
        prediction={prediction}
        isRunning={showsProgress}
        canExplain={device !== null}
        onExplain={() => {
          onProblem(null)
          if (asked.isExplained) run.explain()
          else onAsked({ ...asked, isExplained: true })
        }}
        onStop={() => {
          run.stop()
          onAsked({ ...asked, isExplained: false })
        }}
      />
      {children}
      {shown && explained && (
        <ExplanationDetails
          {...common}
          engine={engine}
          shown={shown}
          isStale={isStale}
          explained={explained}
          isLinkWhole={isLinkWhole}
          onProblem={onProblem}
        />
      )}
    </section>
  )
}

/** Whether something has lasted long enough that it is worth while to show how far it is. */
function useIsLong(lasts: boolean): boolean {
  const [isLong, setLong] = useState(false)
  useEffect(() => {
    if (!lasts) return setLong(false)
    const timer = setTimeout(() => setLong(true), shortRun)
    return () => clearTimeout(timer)
  }, [lasts])
  return isLong
}
