import { useCallback, useMemo, useState } from 'preact/hooks'
import { classNames } from '../../data/fashion-mnist.ts'
import { Fact } from '../fact.tsx'
import { count, decimal, duration, percent, signed } from '../number-format.ts'
import { type EvidencePicture, OverlayCanvas } from '../overlay-canvas.tsx'
import { describePicture, type Picture } from '../pictures/picture.ts'
import type { ExportSubject, LabelExplanation, Side } from '../worker/engine-api.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import type { ShownExplanation } from './explanation-panel.tsx'
import { FourPanels } from './four-panels.tsx'
import { SaveMenu } from './save-menu.tsx'
import { SegmentTable } from './segment-table.tsx'
import { TrustPanel } from './trust-panel.tsx'
import { useWithout } from './use-without.ts'
import { WhatIf } from './what-if.tsx'

const nothing: ReadonlySet<number> = new Set()

/** What of an explanation is looked at, and how. It stays when another explanation comes. */
export interface Look {
  readonly shows: EvidencePicture | 'panels'
  readonly isTrustOpen: boolean
}

const pictures: readonly { readonly shows: Look['shows']; readonly title: string }[] = [
  { shows: 'overlay', title: 'On the picture' },
  { shows: 'heatmap', title: 'Weights alone' },
  { shows: 'boundaries', title: 'Segments' },
  { shows: 'panels', title: 'Four panels' },
]

const samplingInWords = {
  number: 'As many as were asked for, the picture itself among them',
  auto: 'Until the order of the top segments was settled, or all mixtures where those are fewer',
  exact: 'Every mixture of segments there is',
}

/** One class's explanation: the overlay with its legend, the segments, how far the linear model can be trusted. */
export function ExplanationView({
  engine,
  side,
  shown,
  isStale,
  explained,
  look,
  onLook,
  onProblem,
}: {
  engine: EngineClient
  side: Side
  shown: ShownExplanation
  /** Another is on its way. */
  isStale: boolean
  explained: LabelExplanation
  look: Look
  onLook: (look: Look) => void
  onProblem: (problem: string) => void
}) {
  const { picture, result } = shown
  const [highlighted, setHighlighted] = useState<number | null>(null)
  const [hidden, setHidden] = useState<ReadonlySet<number>>(nothing)
  const toggle = useCallback(
    (segment: number) =>
      setHidden((before) => {
        const after = new Set(before)
        if (!after.delete(segment)) after.add(segment)
        return after
      }),
    [],
  )
  const pointedAt = useMemo(() => new Set(highlighted === null ? [] : [highlighted]), [highlighted])
  const withoutHighlighted = useWithout(engine, side, isStale ? nothing : pointedAt, onProblem)
  const withoutHidden = useWithout(engine, side, isStale ? nothing : hidden, onProblem)
  const { segments, segmentCount, hiddenPixels, settings, samples, timings, warnings } = result
  const { label, weights, intervals } = explained
  const largest = useMemo(() => Math.max(...weights.map(([, weight]) => Math.abs(weight)), 0), [weights])
  const shares = useMemo(
    () => new Map(weights.map(([segment, weight]) => [segment, largest > 0 ? weight / largest : 0])),
    [weights, largest],
  )
  const name = classNames[label]
  const subject = useMemo(
    (): ExportSubject => ({
      title: `${describePicture(picture)}: what speaks for ${name} and against it`,
      ...(picture.index !== null && { index: picture.index }),
      ...(picture.trueLabel !== null && { label: picture.trueLabel }),
    }),
    [picture, name],
  )

  return (
    <div class={isStale ? 'result is-stale' : 'result'}>
      {warnings.map((warning) => (
        <p key={warning} class="warning">
          {warning}
        </p>
      ))}
      <div class="evidence-head">
        <fieldset class="shows">
          <legend class="visually-hidden">Show the evidence as</legend>
          {pictures.map(({ shows, title }) => (
            <label key={shows}>
              <input
                type="radio"
                name={`shows-${side}`}
                checked={look.shows === shows}
                onChange={() => onLook({ ...look, shows })}
              />
              <span>{title}</span>
            </label>
          ))}
        </fieldset>
        <SaveMenu engine={engine} side={side} label={label} subject={subject} isStale={isStale} onProblem={onProblem} />
      </div>
      {look.shows === 'panels' && !isStale && (
        <FourPanels engine={engine} side={side} label={label} subject={subject} onProblem={onProblem} />
      )}
      <div class="evidence">
        <figure>
          <OverlayCanvas
            shows={look.shows === 'panels' ? 'overlay' : look.shows}
            pixels={picture.pixels}
            segments={segments}
            shares={shares}
            highlighted={highlighted}
            hidden={hidden}
            hiddenPixels={hiddenPixels}
            label={describeEvidence(picture, name, weights)}
            onPoint={setHighlighted}
            onPress={toggle}
          />
          <figcaption>
            <span class="legend" data-shows={look.shows} aria-hidden="true" />
            <span class="legend-ends">
              <span>{signed(-largest)} against</span>
              <span>
                for {name} {signed(largest)}
              </span>
            </span>
          </figcaption>
        </figure>
        <SegmentTable
          className={name}
          segments={segments}
          weights={weights}
          intervals={intervals}
          shares={shares}
          largest={largest}
          highlighted={highlighted}
          hidden={hidden}
          onHighlight={setHighlighted}
          onPress={toggle}
        />
      </div>
      <WhatIf
        flip={result.flip}
        explained={explained}
        highlighted={highlighted}
        hidden={hidden}
        withoutHighlighted={withoutHighlighted}
        withoutHidden={withoutHidden}
        onHide={toggle}
        onShowAll={() => setHidden(nothing)}
      />
      <dl class="facts">
        <Fact term="Network says" title="The network's own probability of the class">
          {percent(explained.probability)}
        </Fact>
        <Fact term="Linear model" title="The local prediction: intercept plus all weights">
          {decimal(explained.localPrediction)}
        </Fact>
        <Fact term="R²" title="How much of the network's behaviour around this picture the linear model explains">
          {decimal(explained.score)}
        </Fact>
        <Fact term="Segments">{segmentCount}</Fact>
        <Fact
          term="Samples"
          title={samplingInWords[typeof settings.samples === 'number' ? 'number' : settings.samples]}
        >
          {count(samples)}
        </Fact>
        <Fact
          term="Time"
          title={`segmentation ${duration(timings.segmentation)}, prediction ${duration(timings.prediction)}, fit ${duration(timings.fit)}`}
        >
          {duration(timings.total)}
        </Fact>
      </dl>
      <details
        class="trust-details"
        open={look.isTrustOpen}
        onToggle={({ currentTarget: { open } }) => open !== look.isTrustOpen && onLook({ ...look, isTrustOpen: open })}
      >
        <summary>How far can this be trusted?</summary>
        {look.isTrustOpen && !isStale && (
          <TrustPanel
            engine={engine}
            side={side}
            label={label}
            isExact={settings.samples === 'exact'}
            onProblem={onProblem}
          />
        )}
      </details>
    </div>
  )
}

/** The overlay in words, for those who do not see it. */
function describeEvidence(picture: Picture, name: string, weights: LabelExplanation['weights']): string {
  const list = (sign: number) => {
    const found = weights.filter(([, weight]) => weight * sign > 0).map(([segment]) => segment)
    return found.length === 0 ? 'none' : found.slice(0, 5).join(', ') + (found.length > 5 ? ' and more' : '')
  }
  return `${describePicture(picture)}, explained. Segments for ${name}: ${list(1)}. Against: ${list(-1)}. The table of segments has the weights.`
}
