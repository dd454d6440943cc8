import { useMemo } from 'preact/hooks'
import type {
  ExplanationResult,
  ExportFormat,
  ExportSubject,
  LabelExplanation,
  ShapleyEvidence,
  SurrogateEvidence,
} from '../contract/engine-api.ts'
import { methodChoices, samplingOf } from '../contract/explanation-settings.ts'
import type { Side } from '../contract/side.ts'
import { count, decimal, duration, percent, signed } from '../number-format.ts'
import { Fact } from '../parts/fact.tsx'
import { loadedWhenShown } from '../parts/loaded-when-shown.tsx'
import type { MenuItem } from '../parts/menu-button.tsx'
import { SaveMenu } from '../parts/save-menu.tsx'
import { describePicture } from '../pictures/picture.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import type { Look } from './look-choice.tsx'
import { SegmentTable } from './segment-table.tsx'
import type { ShownExplanation } from './use-explanation.ts'
import type { Hiding } from './use-hiding.ts'

const FourPanels = loadedWhenShown(async () => (await import('./four-panels.tsx')).FourPanels)
const TrustPanel = loadedWhenShown(async () => (await import('./trust-panel.tsx')).TrustPanel)

const formats: readonly MenuItem<ExportFormat>[] = [
  { name: 'overlay.png', title: 'Weights on the picture, PNG' },
  { name: 'overlay.svg', title: 'Weights on the picture with legend, SVG' },
  { name: 'heatmap.png', title: 'Weights alone, PNG' },
  { name: 'heatmap.svg', title: 'Weights alone with legend, SVG' },
  { name: 'boundaries.png', title: 'Segments, PNG' },
  { name: 'panels-for.png', title: 'Four panels for, PNG' },
  { name: 'panels-against.png', title: 'Four panels against, PNG' },
  { name: 'explanation.json', title: 'Numbers of all classes, JSON' },
]

const samplingInWords = {
  number: 'As many as were asked for, the picture itself among them',
  auto: 'Until the order of the top segments was settled, or all mixtures where those are fewer',
  exact: 'Every mixture of segments there is',
}

/** One class's explanation in numbers: the segments, what the method says beside them, how far it can be trusted; and its files. */
export function ExplanationDetails({
  engine,
  side,
  shown,
  isStale,
  explained,
  look,
  onLook,
  hiding,
  isLinkWhole,
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
  hiding: Hiding
  /** Whether the page's address holds all that is shown. */
  isLinkWhole: boolean
  onProblem: (problem: string) => void
}) {
  const { picture, result } = shown
  const { segments, request, warnings } = result
  const { label, weights, evidence } = explained
  const name = result.classNames[label]
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
      {look.shows === 'panels' && !isStale && (
        <FourPanels engine={engine} side={side} label={label} name={name} subject={subject} onProblem={onProblem} />
      )}
      <SegmentTable
        className={name}
        weightTitle={methodChoices[evidence.method].weight}
        segments={segments}
        weights={weights}
        intervals={evidence.method === 'lime' ? evidence.intervals : null}
        highlighted={hiding.highlighted}
        hidden={hiding.hidden}
        onHighlight={hiding.highlight}
        onPress={hiding.toggle}
      />
      <Facts result={result} explained={explained} />
      <SaveMenu
        formats={formats}
        picture={subject.index === undefined ? 'picture' : `image-${subject.index}`}
        className={name}
        fileOf={(format) => engine.exported(side, label, format, subject)}
        isDisabled={isStale}
        isLinkWhole={isLinkWhole}
        linkHint={
          isLinkWhole ? 'Shows the same view again, wherever it is opened' : 'No link can hold a picture of your own'
        }
        onProblem={onProblem}
      />
      <details
        class="trust-details"
        open={look.isTrustOpen}
        onToggle={({ currentTarget: { open } }) => open !== look.isTrustOpen && onLook({ ...look, isTrustOpen: open })}
      >
        <summary>How far can this be trusted?</summary>
        {look.isTrustOpen && !isStale && (
          <TrustPanel
            key={result}
            engine={engine}
            side={side}
            label={label}
            name={name}
            isExact={request.samples === 'exact'}
            onProblem={onProblem}
          />
        )}
      </details>
    </div>
  )
}

function Facts({
  result,
  explained: { probability, evidence },
}: {
  result: ExplanationResult
  explained: LabelExplanation
}) {
  const { segmentCount, request, samples, timings } = result
  return (
    <dl class="facts">
      <Fact term="Network says" title="The network's own probability of the class">
        {percent(probability)}
      </Fact>
      {evidence.method === 'lime' ? <SurrogateFacts evidence={evidence} /> : <ShapleyFacts evidence={evidence} />}
      <Fact term="Segments">{segmentCount}</Fact>
      <Fact term="Samples" title={samplingInWords[samplingOf(request.samples ?? samples)]}>
        {count(samples)}
      </Fact>
      <Fact
        term="Time"
        title={`segmentation ${duration(timings.segmentation)}, prediction ${duration(timings.prediction)}, fit ${duration(timings.fit)}`}
      >
        {duration(timings.total)}
      </Fact>
    </dl>
  )
}

function SurrogateFacts({ evidence: { localPrediction, score } }: { evidence: SurrogateEvidence }) {
  return (
    <>
      <Fact term="Linear model" title="The local prediction: intercept plus all weights">
        {decimal(localPrediction)}
      </Fact>
      <Fact term="R²" title="How much of the network's behaviour around this picture the linear model explains">
        {decimal(score)}
      </Fact>
    </>
  )
}

function ShapleyFacts({ evidence: { base, sum } }: { evidence: ShapleyEvidence }) {
  return (
    <>
      <Fact term="All hidden" title="The probability of the class with every segment hidden">
        {percent(base)}
      </Fact>
      <Fact
        term="All segments add"
        title="The sum of the Shapley values: what the picture has beyond every segment hidden"
      >
        {signed(sum - base)}
      </Fact>
    </>
  )
}
