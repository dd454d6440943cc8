import { useEffect, useRef, useState } from 'preact/hooks'
import { classNames } from '../data/fashion-mnist.ts'
import type { DeviceStatus } from './engine-api.ts'
import type { EngineClient } from './engine-client.ts'
import { ExplanationForm } from './explanation-form.tsx'
import { ExplanationProgressBar } from './explanation-progress.tsx'
import { ExplanationView } from './explanation-view.tsx'
import { duration } from './number-format.ts'
import { addressOf, type View } from './page-address.ts'
import type { Picture } from './picture.ts'
import { useExplanation } from './use-explanation.ts'

/** Explaining: the settings, the run, its result. */
export function ExplanationPanel({
  engine,
  firstView,
  picture,
  probabilities,
  device,
  onProblem,
}: {
  engine: EngineClient
  /** What the address asked for. */
  firstView: View
  picture: Picture
  probabilities: Float32Array | null
  device: DeviceStatus | null
  onProblem: (problem: string | null) => void
}) {
  const { state, explain, stop } = useExplanation(engine, picture, onProblem)
  const [settings, setSettings] = useState(firstView.settings)
  /** null: the most probable class, whichever it is. */
  const [label, setLabel] = useState(firstView.label)
  const isRunning = state.phase === 'running'
  const canExplain = device !== null && probabilities !== null

  const isAskedFor = useRef(firstView.isExplained)
  useEffect(() => {
    if (!canExplain || !isAskedFor.current) return
    isAskedFor.current = false
    explain(settings)
  }, [canExplain, explain, settings])

  // What is being explained is in the address, too: whoever copies it waits for it, not for another click.
  const isExplained = isAskedFor.current || state.phase === 'running' || state.phase === 'done'
  useEffect(() => {
    history.replaceState(
      null,
      '',
      location.pathname + addressOf({ image: picture.index, label, settings, isExplained }),
    )
  }, [picture, label, settings, isExplained])

  const explained =
    state.phase === 'done'
      ? (state.result.labels.find((candidate) => candidate.label === label) ?? state.result.labels[0])
      : null

  return (
    <section class="panel explanation" aria-labelledby="explanation-title" aria-busy={isRunning}>
      <h2 id="explanation-title">Why?</h2>
      <ExplanationForm
        settings={settings}
        onSettings={setSettings}
        label={label}
        onLabel={setLabel}
        probabilities={probabilities}
        isRunning={isRunning}
        canExplain={canExplain}
        onExplain={() => explain(settings)}
        onStop={stop}
      />
      {state.phase === 'running' && <ExplanationProgressBar progress={state.progress} />}
      <p class="visually-hidden" role="status">
        {state.phase === 'done' && explained
          ? `Explained ${classNames[explained.label]} in ${duration(state.result.timings.total)}.`
          : state.phase === 'stopped'
            ? 'Stopped.'
            : ''}
      </p>
      {state.phase === 'stopped' && (
        <p class="empty">Stopped before the end, so there is nothing to show. Explain again whenever you like.</p>
      )}
      {state.phase === 'none' && (
        <p class="empty">
          LIME hides parts of the picture, again and again, and watches the probability of one class. The parts it
          misses most are what speaks for that class.
        </p>
      )}
      {state.phase === 'done' && explained && (
        // Another result has other segments: none of them is hidden or highlighted.
        <ExplanationView
          key={state.result}
          engine={engine}
          device={device}
          picture={picture}
          result={state.result}
          explained={explained}
          onProblem={onProblem}
        />
      )}
    </section>
  )
}
