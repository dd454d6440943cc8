import type { ComponentChildren } from 'preact'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { DeviceStatus, ExplanationProgress, OwnNetwork, Side } from '../contract/engine-api.ts'
import { methodChoices, requestOf } from '../contract/explanation-settings.ts'
import type { Asked } from '../contract/page-address.ts'
import { duration } from '../number-format.ts'
import { useRun } from '../parts/use-run.ts'
import { GreyCanvas } from '../pictures/grey-canvas.tsx'
import { describePicture, type Picture } from '../pictures/picture.ts'
import { PictureView } from '../pictures/picture-view.tsx'
import type { Prediction } from '../pictures/use-prediction.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import { Consequence } from './consequence.tsx'
import { EvidenceFigure } from './evidence-figure.tsx'
import { ExplanationDetails, type ShownExplanation } from './explanation-details.tsx'
import { ExplanationForm } from './explanation-form.tsx'
import { ExplanationProgressBar } from './explanation-progress.tsx'
import { type Look, LookChoice } from './look-choice.tsx'
import { useHiding } from './use-hiding.ts'
import { WhatIf } from './what-if.tsx'

const beginning: ExplanationProgress = { phase: 'segmentation', done: 0, total: 1 }
/** While a slider moves or somebody types, in ms: the next change comes sooner than this. */
const pause = 60
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
  const { state, start, stop, clear } = useRun<ShownExplanation, ExplanationProgress>(
    engine,
    `explain-${side}`,
    'The explanation',
    onProblem,
  )
  const { network, label, settings, isExplained } = asked
  /** What its numbers depend on: of one's own network a new object is a new network. */
  const usedNetwork = network === 'own' ? ownNetwork : null
  const canExplain = device !== null

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
        result: await engine.explain(side, network, picture.pixels, requestOf(settings), onProgress),
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
  const isStale = !isCurrent
  const hiding = useHiding(engine, side, shown?.result ?? null, isStale, onProblem)

  return (
    <section class="panel explanation" aria-labelledby={titleId} aria-busy={isBusy}>
      <h2 id={titleId}>{title}</h2>
      <div class="answer">
        <PictureView picture={picture} prediction={prediction} note={note} onChange={onPicture} />
        {shown && explained ? (
          <EvidenceFigure
            picture={shown.picture}
            result={shown.result}
            explained={explained}
            shows={look.shows === 'panels' ? 'overlay' : look.shows}
            isStale={isStale}
            hiding={hiding}
          />
        ) : (
          <figure class="answer-picture">
            <GreyCanvas pixels={picture.pixels} label={describePicture(picture)} />
          </figure>
        )}
        <div class={isStale ? 'answer-words is-stale' : 'answer-words'}>
          {shown && explained ? (
            <>
              <Consequence
                explained={explained}
                classNames={shown.result.classNames}
                flip={shown.result.flip}
                hiding={hiding}
              />
              <WhatIf explained={explained} classNames={shown.result.classNames} hiding={hiding} />
              <LookChoice side={side} look={look} onLook={setLook} />
            </>
          ) : state.phase === 'stopped' ? (
            <p class="empty">Stopped before the end, so there is nothing to show. Explain again whenever you like.</p>
          ) : (
            state.phase !== 'running' && <p class="empty">{methodChoices[settings.method].idea}</p>
          )}
        </div>
      </div>
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
      {children}
      {shown && explained && (
        <ExplanationDetails
          engine={engine}
          side={side}
          shown={shown}
          isStale={isStale}
          explained={explained}
          look={look}
          onLook={setLook}
          hiding={hiding}
          isLinkWhole={isLinkWhole}
          onProblem={onProblem}
        />
      )}
    </section>
  )
}
