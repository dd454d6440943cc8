import type { AnswerWords } from '../answer-words.ts'
import type { LabelExplanation } from '../contract/engine-api.ts'
import type { PhotographFormat, PhotographResult } from '../contract/photograph-api.ts'
import type { Side } from '../contract/side.ts'
import { SegmentTable } from '../explain/segment-table.tsx'
import type { Hiding } from '../explain/use-hiding.ts'
import { count, decimal, duration } from '../number-format.ts'
import { Fact } from '../parts/fact.tsx'
import type { MenuItem } from '../parts/menu-button.tsx'
import { SaveMenu } from '../parts/save-menu.tsx'
import type { PhotographClient } from './photograph-client.ts'

const formats: readonly MenuItem<PhotographFormat>[] = [
  { name: 'overlay.png', title: 'Weights on the photograph, PNG' },
  { name: 'overlay.svg', title: 'Weights on the photograph with legend, SVG' },
  { name: 'heatmap.png', title: 'Weights alone, PNG' },
  { name: 'heatmap.svg', title: 'Weights alone with legend, SVG' },
  { name: 'boundaries.png', title: 'Segments, PNG' },
  { name: 'explanation.json', title: 'Numbers and segments, JSON' },
]

/** One class's explanation in numbers, and its files. */
export function PhotographDetails({
  client,
  side,
  photographName,
  result,
  explained,
  words,
  isStale,
  hiding,
  onProblem,
}: {
  client: PhotographClient
  side: Side
  photographName: string
  result: PhotographResult
  explained: LabelExplanation
  words: AnswerWords
  /** Another is on its way. */
  isStale: boolean
  hiding: Hiding
  onProblem: (problem: string) => void
}) {
  const { label, weights, evidence, probability } = explained
  const { classNames, segments, segmentCount, samples, timings, warnings } = result
  const name = classNames[label]
  return (
    <div class={isStale ? 'result is-stale' : 'result'}>
      {!result.isRough &&
        warnings.map((warning) => (
          <p key={warning} class="warning">
            {warning}
          </p>
        ))}
      <SegmentTable
        className={name}
        words={words}
        weightTitle="Weight"
        segments={segments}
        weights={weights}
        intervals={evidence.method === 'lime' ? evidence.intervals : null}
        highlighted={hiding.highlighted}
        hidden={hiding.hidden}
        onHighlight={hiding.highlight}
        onPress={hiding.toggle}
      />
      <dl class="facts">
        <Fact term={words.title(name)}>{words.number(probability)}</Fact>
        {evidence.method === 'lime' && (
          <Fact term="R²" title="How well the weights repeat what the network said: 1 is perfectly">
            {decimal(evidence.score)}
          </Fact>
        )}
        <Fact term="Segments">{segmentCount}</Fact>
        <Fact term="Samples">{count(samples)}</Fact>
        <Fact term="Time">{duration(timings.total)}</Fact>
      </dl>
      <SaveMenu
        formats={formats}
        picture="photograph"
        className={name}
        fileOf={(format) =>
          client.exported(
            side,
            label,
            format,
            `${photographName}: what ${words.isProbability ? `speaks for ${name} and against it` : `raises ${name} and lowers it`}`,
          )
        }
        isDisabled={isStale || result.isRough}
        isLinkWhole
        linkHint="Holds what is asked; of your own files it holds none: whoever opens it is asked for them"
        onProblem={onProblem}
      />
    </div>
  )
}
