import { useMemo } from 'preact/hooks'
import { weightLimit } from '../../../lime/index.ts'
import type { ExplanationResult, LabelExplanation } from '../contract/engine-api.ts'
import { points } from '../number-format.ts'
import { type EvidencePicture, OverlayCanvas } from '../parts/overlay-canvas.tsx'
import { describePicture, type Picture } from '../pictures/picture.ts'
import type { Hiding } from './use-hiding.ts'

/** The picture with its evidence, and what its colours stand for. Segments are pointed at and pressed in it. */
export function EvidenceFigure({
  picture,
  result,
  explained,
  shows,
  isStale,
  hiding,
}: {
  picture: Picture
  result: ExplanationResult
  explained: LabelExplanation
  shows: EvidencePicture
  /** Another is on its way. */
  isStale: boolean
  hiding: Hiding
}) {
  const { label, weights } = explained
  const limit = weightLimit(weights)
  const shares = useMemo(() => sharesOf(weights), [weights])
  const name = result.classNames[label]
  return (
    <figure class={isStale ? 'answer-picture is-stale' : 'answer-picture'}>
      <OverlayCanvas
        shows={shows}
        pixels={picture.pixels}
        segments={result.segments}
        shares={shares}
        named={result.flip?.segment ?? weights.at(0)?.[0] ?? null}
        highlighted={hiding.highlighted}
        hidden={hiding.hidden}
        hiddenPixels={result.hiddenPixels}
        label={describeEvidence(picture, name, weights)}
        onPoint={hiding.highlight}
        onPress={hiding.toggle}
      />
      {shows !== 'boundaries' && (
        <figcaption>
          <span class="legend" data-shows={shows} aria-hidden="true" />
          <span class="legend-ends">
            <span>
              <strong>{points(-limit)}</strong> against {name}
            </span>
            <span>
              for {name} <strong>{points(limit)}</strong>
            </span>
          </span>
          <span class="hint">Full colour: {points(limit).slice(1)} percentage points of the probability.</span>
        </figcaption>
      )}
    </figure>
  )
}

/** Segment -> weight as a share of the colours' scale. */
export function sharesOf(weights: LabelExplanation['weights']): ReadonlyMap<number, number> {
  const limit = weightLimit(weights)
  return new Map(weights.map(([segment, weight]) => [segment, weight / limit]))
}

/** The overlay in words, for those who do not see it. */
function describeEvidence(picture: Picture, name: string, weights: LabelExplanation['weights']): string {
  const list = (sign: number) => {
    const found = weights.filter(([, weight]) => weight * sign > 0).map(([segment]) => segment)
    return found.length === 0 ? 'none' : found.slice(0, 5).join(', ') + (found.length > 5 ? ' and more' : '')
  }
  return `${describePicture(picture)}, explained. Segments for ${name}: ${list(1)}. Against: ${list(-1)}. The table of segments has the weights.`
}
