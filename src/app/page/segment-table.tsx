import { useMemo, useState } from 'preact/hooks'
import type { SegmentWeight } from '../../lime/index.ts'
import { imageExtent } from '../data/fashion-mnist.ts'
import { percent, signed } from './number-format.ts'

/** The segments, heaviest first. Pointing at one, or moving the focus to it, shows where it is; pressing it keeps that. */
export function SegmentTable({
  className,
  segments,
  weights,
  shares,
  highlighted,
  onHighlight,
}: {
  className: string
  segments: Int32Array
  weights: readonly SegmentWeight[]
  shares: ReadonlyMap<number, number>
  highlighted: number | null
  onHighlight: (segment: number | null) => void
}) {
  const [kept, setKept] = useState<number | null>(null)
  const areas = useMemo(() => {
    const counts = new Map<number, number>()
    for (const segment of segments) counts.set(segment, (counts.get(segment) ?? 0) + 1)
    return counts
  }, [segments])

  return (
    <div class="segments">
      <table>
        <caption>Segments, by what they add to the probability of {className}</caption>
        <thead>
          <tr>
            <th scope="col">Segment</th>
            <th scope="col">Area</th>
            <th scope="col">Weight</th>
          </tr>
        </thead>
        <tbody onMouseLeave={() => onHighlight(kept)}>
          {weights.map(([segment, weight]) => (
            <tr
              key={segment}
              class={segment === highlighted ? 'is-highlighted' : undefined}
              onMouseEnter={() => onHighlight(segment)}
            >
              <th scope="row">
                <button
                  type="button"
                  class="quiet"
                  aria-pressed={segment === kept}
                  onFocus={() => onHighlight(segment)}
                  onBlur={() => onHighlight(kept)}
                  onClick={() => {
                    const next = segment === kept ? null : segment
                    setKept(next)
                    onHighlight(next)
                  }}
                >
                  {segment}
                </button>
              </th>
              <td class="number">{percent((areas.get(segment) ?? 0) / (imageExtent * imageExtent))}</td>
              <td class="number" data-weight={weight}>
                <span class="weight-bar" aria-hidden="true">
                  <span
                    class="weight"
                    data-sign={weight < 0 ? 'against' : 'for'}
                    style={{ width: `${Math.abs(shares.get(segment) ?? 0) * 50}%` }}
                  />
                </span>
                <span class="weight-number">{signed(weight)}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
