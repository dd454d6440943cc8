import { useMemo } from 'preact/hooks'
import { type SegmentWeight, type WeightInterval, weightLimit } from '../../../lime/index.ts'
import { type AnswerWords, probabilityWords } from '../answer-words.ts'
import { percent } from '../number-format.ts'
import { isMoved } from '../parts/pointer-moves.ts'

/** The segments, heaviest first. Pointing at one, or moving the focus to it, shows where it is; pressing it hides it, or shows it again, where the network is at hand. */
export function SegmentTable({
  className,
  words = probabilityWords,
  weightTitle,
  segments,
  weights,
  intervals,
  highlighted,
  hidden = nothing,
  onHighlight,
  onPress,
}: {
  className: string
  words?: AnswerWords
  weightTitle: string
  segments: Int32Array
  weights: readonly SegmentWeight[]
  /** In the order of the weights; null where they have none. */
  intervals: readonly WeightInterval[] | null
  highlighted: number | null
  hidden?: ReadonlySet<number>
  onHighlight: (segment: number | null) => void
  onPress?: (segment: number) => void
}) {
  const areas = useMemo(() => {
    const counts = new Map<number, number>()
    for (const segment of segments) counts.set(segment, (counts.get(segment) ?? 0) + 1)
    return counts
  }, [segments])

  /** A bar of full length: the picture's colours have the same scale. */
  const limit = weightLimit(weights, words.least)

  return (
    <div class="segments">
      <table>
        <caption>Segments, by what they add to {words.subject(className)}</caption>
        <thead>
          <tr>
            <th scope="col">Segment</th>
            <th scope="col">Area</th>
            <th scope="col">{weightTitle}</th>
          </tr>
        </thead>
        <tbody onMouseLeave={() => onHighlight(null)} onKeyDown={moveFocus}>
          {weights.map(([segment, weight], rank) => (
            <tr
              key={segment}
              data-segment={segment}
              class={`${segment === highlighted ? 'is-highlighted' : ''} ${hidden.has(segment) ? 'is-hidden' : ''}`}
              // Not on entering: browsers say of moves alone how far they went.
              onMouseMove={(event) => isMoved(event) && segment !== highlighted && onHighlight(segment)}
            >
              <th scope="row">
                <button
                  type="button"
                  class="quiet"
                  aria-pressed={onPress && hidden.has(segment)}
                  title={onPress && (hidden.has(segment) ? 'Hidden: press to show it again' : 'Press to hide it')}
                  onFocus={() => onHighlight(segment)}
                  // A press in the picture takes the focus, too, and has highlighted another by then.
                  onBlur={() => segment === highlighted && onHighlight(null)}
                  onClick={() => (onPress ?? onHighlight)(segment)}
                >
                  <span class="visually-hidden">{onPress ? 'Hide segment' : 'Segment'} </span>
                  {segment}
                </button>
              </th>
              <td class="number">{percent((areas.get(segment) ?? 0) / segments.length)}</td>
              <td class="number" data-weight={weight}>
                <span class="weight-bar" aria-hidden="true">
                  <span
                    class="weight"
                    data-sign={weight < 0 ? 'against' : 'for'}
                    style={{ width: `${(Math.abs(weight) / limit) * 50}%` }}
                  />
                  {intervals && <span class="interval" style={placeOf(intervals[rank], limit)} />}
                </span>
                <span class="weight-number">{words.weight(weight)}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const nothing: ReadonlySet<number> = new Set()

/** The arrow keys lead from segment to segment. */
function moveFocus(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const buttons: Element[] = Array.from(event.currentTarget.querySelectorAll('button'))
  const at = document.activeElement ? buttons.indexOf(document.activeElement) : -1
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key]
  if (to === undefined) return
  event.preventDefault()
  const next = buttons.at(Math.max(0, Math.min(to, buttons.length - 1)))
  if (next instanceof HTMLElement) next.focus()
}

/** From end to end of an interval, in a bar that reaches from -limit to limit; cut off at its ends. */
function placeOf({ low, high }: WeightInterval, limit: number): { left: string; right: string } {
  const place = (value: number) => Math.min(Math.max(50 + (value / limit) * 50, 0), 100)
  return { left: `${place(low)}%`, right: `${100 - place(high)}%` }
}
