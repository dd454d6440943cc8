import type { ComponentChildren } from 'preact'
import { useCallback, useMemo, useState } from 'preact/hooks'
import { classNames } from '../data/fashion-mnist.ts'
import type { DeviceStatus, ExplanationResult, LabelExplanation } from './engine-api.ts'
import type { EngineClient } from './engine-client.ts'
import { count, decimal, duration, percent, signed } from './number-format.ts'
import { OverlayCanvas } from './overlay-canvas.tsx'
import { describePicture, type Picture } from './picture.ts'
import { SegmentTable } from './segment-table.tsx'
import { useWithout } from './use-without.ts'
import { WhatIf } from './what-if.tsx'

const nothing: ReadonlySet<number> = new Set()

const samplingInWords = {
  number: 'As many as were asked for, the picture itself among them',
  auto: 'Until the order of the top segments was settled, or all mixtures where those are fewer',
  exact: 'Every mixture of segments there is',
}

/** One class's explanation: the overlay with its legend, the segments, how far the linear model can be trusted. */
export function ExplanationView({
  engine,
  device,
  picture,
  result,
  explained,
  onProblem,
}: {
  engine: EngineClient
  device: DeviceStatus | null
  picture: Picture
  result: ExplanationResult
  explained: LabelExplanation
  onProblem: (problem: string) => void
}) {
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
  const withoutHighlighted = useWithout(engine, device, result, pointedAt, onProblem)
  const withoutHidden = useWithout(engine, device, result, hidden, onProblem)
  const { segments, segmentCount, hiddenPixels, settings, samples, timings, warnings } = result
  const { label, weights, intervals } = explained
  const largest = useMemo(() => Math.max(...weights.map(([, weight]) => Math.abs(weight)), 0), [weights])
  const shares = useMemo(
    () => new Map(weights.map(([segment, weight]) => [segment, largest > 0 ? weight / largest : 0])),
    [weights, largest],
  )
  const name = classNames[label]

  return (
    <div class="result">
      {warnings.map((warning) => (
        <p key={warning} class="warning">
          {warning}
        </p>
      ))}
      <div class="evidence">
        <figure>
          <OverlayCanvas
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
            <span class="legend" aria-hidden="true" />
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
        explained={explained}
        highlighted={highlighted}
        hidden={hidden}
        withoutHighlighted={withoutHighlighted}
        withoutHidden={withoutHidden}
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
      <p class="hint">
        Segmentation {duration(timings.segmentation)}, prediction {duration(timings.prediction)}, fit{' '}
        {duration(timings.fit)}.
      </p>
    </div>
  )
}

function Fact({ term, title, children }: { term: string; title?: string; children: ComponentChildren }) {
  return (
    <div title={title}>
      <dt>{term}</dt>
      <dd>{children}</dd>
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
