import { type StateUpdater, useEffect, useMemo, useState } from 'preact/hooks'
import type { LabelMap } from '../../../lime/index.ts'
import type { Fit } from '../../photographs/framing.ts'
import { saysValues, topAnswers } from '../../tasks/answers.ts'
import { probabilityWords, valueWords } from '../answer-words.ts'
import type { DeviceStatus } from '../contract/engine-api.ts'
import type { PhotographAsked } from '../contract/photograph-address.ts'
import type { NetworkOffer, PhotographNetwork } from '../contract/photograph-api.ts'
import type { PixelNumbers } from '../contract/pixel-numbers.ts'
import type { Side } from '../contract/side.ts'
import { Consequence } from '../explain/consequence.tsx'
import { type Look, LookChoice } from '../explain/look-choice.tsx'
import { useHiding } from '../explain/use-hiding.ts'
import { WhatIf } from '../explain/what-if.tsx'
import { duration } from '../number-format.ts'
import { NetworkChoice } from './network-choice.tsx'
import { OwnSegments } from './own-segments.tsx'
import type { PhotographClient } from './photograph-client.ts'
import { PhotographDetails } from './photograph-details.tsx'
import { PhotographEvidence } from './photograph-evidence.tsx'
import { PhotographForm } from './photograph-form.tsx'
import { PhotographProgressBar } from './photograph-progress.tsx'
import { PlainPhotograph } from './plain-photograph.tsx'
import { segmentsSeen } from './saved-segments.ts'
import { TopClasses, Verdict } from './top-classes.tsx'
import { useNetwork } from './use-network.ts'
import type { OpenedPhotograph } from './use-photograph.ts'
import { type ShownPhotographExplanation, usePhotographExplanation } from './use-photograph-explanation.ts'
import { usePhotographPrediction } from './use-photograph-prediction.ts'
import { ValueConsequence } from './value-consequence.tsx'

/** One network and the photograph: what it says, and why. */
export function PhotographPanel({
  client,
  device,
  side,
  title,
  offers,
  told,
  opened,
  fit,
  own,
  onOwn,
  asked,
  onAsked,
  onNetworkFiles,
  onDescribed,
  onFetched,
  onProblem,
}: {
  client: PhotographClient
  device: DeviceStatus | null
  side: Side
  /** null: the question itself. */
  title: string | null
  offers: readonly NetworkOffer[] | null
  /** A network that was opened from a file, or described, last. */
  told: PhotographNetwork | null
  opened: OpenedPhotograph
  fit: Fit
  /** Segments that somebody drew on this photograph. */
  own: LabelMap | null
  onOwn: (own: LabelMap) => void
  asked: PhotographAsked
  onAsked: (change: StateUpdater<PhotographAsked>) => void
  onNetworkFiles: (files: readonly File[]) => void
  onDescribed: (network: PhotographNetwork) => void
  /** A network has come to this browser. */
  onFetched: () => void
  onProblem: (problem: string | null) => void
}) {
  const onPixels = (pixels: PixelNumbers) => onAsked((now) => ({ ...now, pixels }))
  const control = useNetwork(client, side, offers, asked, told, onPixels, onProblem)
  const network = control.opened.phase === 'open' ? control.opened.network : null
  const photograph = opened.phase === 'open' ? opened.photograph : null
  const { prediction, isStale } = usePhotographPrediction(client, device, photograph, network, fit, onProblem)
  const used = asked.settings.segmenter === 'own' ? own : null
  // An address may say a class that the network has not.
  const chosen = asked.label !== null && asked.label < (network?.classNames.length ?? 0) ? asked.label : null
  const question = { ...asked, label: chosen }
  const run = usePhotographExplanation(client, side, device, question, network, photograph, fit, used, onProblem)
  const { state, shown, explained } = run
  const automatic = useAutomatic(shown)
  const [look, setLook] = useState<Look>({ shows: 'overlay', isTrustOpen: false })
  const hiding = useHiding(client, side, shown?.result ?? null, run.isStale, onProblem)
  // Values have no order: the first is looked at unless another is asked for.
  const [predicted] = prediction ? topAnswers(prediction.numbers, 1, prediction.network.task) : []
  const label = chosen ?? predicted?.label ?? null
  const words = network && saysValues(network.task) ? valueWords : probabilityWords
  const name = label === null ? null : (network?.classNames[label] ?? null)
  const titleId = `explanation-title-${side}`
  const onLabel = (chosen: number) => onAsked((now) => ({ ...now, label: chosen }))
  useEffect(() => {
    if (network) onFetched()
  }, [network?.id])
  return (
    <section class="panel explanation" aria-labelledby={titleId} aria-busy={state.phase === 'running'}>
      <h2 id={titleId}>{title ?? (name ? words.question(name) : 'What does a network see, and why?')}</h2>
      <NetworkChoice
        client={client}
        offers={offers}
        id={asked.network}
        control={control}
        onNetwork={(id) => onAsked((now) => ({ ...now, network: id, pixels: null, label: null }))}
        onFiles={onNetworkFiles}
        onDescribed={onDescribed}
        onProblem={onProblem}
      />
      <div class="answer">
        {photograph && shown && explained ? (
          <PhotographEvidence
            name={photograph.name}
            result={shown.result}
            explained={explained}
            words={words}
            shows={look.shows === 'panels' ? 'overlay' : look.shows}
            isStale={run.isStale}
            hiding={hiding}
          />
        ) : (
          <figure class="answer-picture">
            <PlainPhotograph opened={opened} />
          </figure>
        )}
        <div class="answer-words">
          {prediction && label !== null && (
            <>
              <Verdict numbers={prediction.numbers} network={prediction.network} words={words} asked={label} />
              <TopClasses
                numbers={prediction.numbers}
                network={prediction.network}
                words={words}
                isStale={isStale}
                asked={label}
                onLabel={onLabel}
              />
            </>
          )}
          {shown && explained && (
            <div class={run.isStale ? 'photograph-answer is-stale' : 'photograph-answer'}>
              {shown.result.isRough ? (
                <p class="rough" role="status">
                  <strong>A first, rough answer</strong> from {shown.result.samples} samples.{' '}
                  {state.phase === 'running' ? 'It is being refined.' : 'Stopped before it was refined.'}
                </p>
              ) : words === valueWords ? (
                <ValueConsequence
                  explained={explained}
                  name={shown.result.classNames[explained.label]}
                  hiding={hiding}
                />
              ) : (
                <Consequence
                  explained={explained}
                  classNames={shown.result.classNames}
                  flip={shown.result.flip}
                  hiding={hiding}
                />
              )}
              <WhatIf explained={explained} classNames={shown.result.classNames} words={words} hiding={hiding} />
              <LookChoice side={side} look={look} hasPanels={false} onLook={setLook} />
            </div>
          )}
          {prediction && !explained && state.phase !== 'running' && (
            <p class="hint">
              {shown
                ? `${name} was not among those explained: explain again to see ${words.isProbability ? 'what speaks for it' : 'what moves it'}.`
                : `Parts of the picture are hidden, again and again, and the network is asked each time. ${words.isProbability ? 'The parts it misses most are what speaks for a class.' : 'What changes then shows how much each part adds.'}`}
            </p>
          )}
        </div>
      </div>
      {state.phase === 'running' && <PhotographProgressBar progress={state.progress} />}
      <p class="visually-hidden" role="status">
        {state.phase === 'done' && explained
          ? `Explained ${state.result.result.classNames[explained.label]} in ${duration(state.result.result.timings.total)}.`
          : ''}
      </p>
      <PhotographForm
        classNames={network?.classNames ?? null}
        isOfValues={!words.isProbability}
        label={label}
        asked={asked}
        onAsked={onAsked}
        isRunning={state.phase === 'running'}
        isDone={explained !== null && !run.isStale}
        canExplain={run.canExplain}
        hasOwn={own !== null}
        onExplain={() => {
          onProblem(null)
          run.explain()
          onAsked((now) => ({ ...now, isExplained: true }))
        }}
        onStop={() => {
          run.stop()
          onAsked((now) => ({ ...now, isExplained: false }))
        }}
      />
      {photograph && shown && automatic && (
        <OwnSegments
          // Another picture, or another part of it, begins anew.
          key={`${photograph.id} ${fit} ${automatic.shape}`}
          result={shown.result}
          automatic={automatic}
          own={own}
          onOwn={(drawn) => {
            onOwn(drawn)
            onAsked((now) => ({ ...now, settings: { ...now.settings, segmenter: 'own' } }))
          }}
          onProblem={onProblem}
        />
      )}
      {photograph && shown && explained && (
        <PhotographDetails
          client={client}
          side={side}
          photographName={photograph.name}
          result={shown.result}
          explained={explained}
          words={words}
          isStale={run.isStale}
          hiding={hiding}
          onProblem={onProblem}
        />
      )}
    </section>
  )
}

/** The segments of the last explanation whose segments nobody drew. */
function useAutomatic(shown: ShownPhotographExplanation | null): LabelMap | null {
  const [automatic, setAutomatic] = useState<LabelMap | null>(null)
  const seen = useMemo(
    () => (shown && shown.question.own === null ? segmentsSeen(shown.result) : null),
    [shown?.question, shown?.result],
  )
  useEffect(() => {
    if (seen) setAutomatic(seen)
  }, [seen])
  // Where a link asks for drawn segments there may be no others.
  return seen ?? automatic ?? (shown && segmentsSeen(shown.result))
}
