import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import type { Side } from '../contract/side.ts'
import { messageOf } from '../worker/use-engine.ts'

/** Which segments of an explanation are pointed at and hidden, and what the network says without them. */
export interface Hiding {
  readonly highlighted: number | null
  readonly hidden: ReadonlySet<number>
  /** Ten probabilities; null without any, and until the network has answered. */
  readonly withoutHighlighted: Float32Array | null
  readonly withoutHidden: Float32Array | null
  highlight(segment: number | null): void
  /** Hides it, or shows it again. */
  toggle(segment: number): void
  showAll(): void
}

/** Who says what the network says without some segments. */
interface Asker {
  predictWithout(side: Side, hidden: readonly number[]): Promise<Float32Array>
}

const nothing: ReadonlySet<number> = new Set()

/** Of the explanation that side shows; another one has other segments: none of them is hidden or highlighted. */
export function useHiding(
  engine: Asker,
  side: Side,
  /** Another object is another explanation. */
  result: object | null,
  isStale: boolean,
  onProblem: (problem: string) => void,
): Hiding {
  const [touched, setTouched] = useState<{
    readonly result: object | null
    readonly highlighted: number | null
    readonly hidden: ReadonlySet<number>
  }>({ result, highlighted: null, hidden: nothing })
  const { highlighted, hidden } = touched.result === result ? touched : { highlighted: null, hidden: nothing }
  const change = useCallback(
    (by: (before: { highlighted: number | null; hidden: ReadonlySet<number> }) => Partial<typeof touched>) =>
      setTouched((before) => {
        const { highlighted, hidden } = before.result === result ? before : { highlighted: null, hidden: nothing }
        return { result, highlighted, hidden, ...by({ highlighted, hidden }) }
      }),
    [result],
  )
  const highlight = useCallback((segment: number | null) => change(() => ({ highlighted: segment })), [change])
  const toggle = useCallback(
    (segment: number) =>
      change(({ hidden }) => {
        const after = new Set(hidden)
        if (!after.delete(segment)) after.add(segment)
        return { hidden: after }
      }),
    [change],
  )
  const showAll = useCallback(() => change(() => ({ hidden: nothing })), [change])

  const known = useMemo(() => new Map<string, Float32Array>(), [result])
  const pointedAt = useMemo(() => new Set(highlighted === null ? [] : [highlighted]), [highlighted])
  const ask = { engine, side, known, onProblem }
  return {
    highlighted,
    hidden,
    withoutHighlighted: useWithout(ask, isStale ? nothing : pointedAt),
    withoutHidden: useWithout(ask, isStale ? nothing : hidden),
    highlight,
    toggle,
    showAll,
  }
}

function useWithout(
  {
    engine,
    side,
    known,
    onProblem,
  }: {
    engine: Asker
    side: Side
    /** What the network said without which segments. */
    known: Map<string, Float32Array>
    onProblem: (problem: string) => void
  },
  hidden: ReadonlySet<number>,
): Float32Array | null {
  const [, setAnswered] = useState<Float32Array | null>(null)
  const key = Array.from(hidden)
    .sort((a, b) => a - b)
    .join()
  useEffect(() => {
    if (key === '' || known.has(key)) return
    let isOutdated = false
    engine.predictWithout(side, key.split(',').map(Number)).then(
      (probabilities) => {
        known.set(key, probabilities)
        if (!isOutdated) setAnswered(probabilities)
      },
      (error) => {
        if (!isOutdated) onProblem(`The prediction failed: ${messageOf(error)}`)
      },
    )
    return () => {
      isOutdated = true
    }
  }, [engine, side, known, key, onProblem])
  return known.get(key) ?? null
}
