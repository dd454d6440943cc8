import { useEffect, useState } from 'preact/hooks'
import { count } from '../number-format.ts'
import type { PhotographProgress } from './use-photograph-explanation.ts'

/** How far an explanation is, and about how long the rest takes. */
export function PhotographProgressBar({ progress }: { progress: PhotographProgress }) {
  const { phase, done, total, began } = progress
  // What is left shrinks between two messages, too.
  const [now, setNow] = useState(() => performance.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  const isPredicting = phase === 'prediction'
  const left = isPredicting && began !== null ? secondsLeft(done, total, Math.max(now, began) - began) : null
  const text =
    phase === 'segmentation' && done < total
      ? 'Finding the parts of the picture'
      : isPredicting
        ? `Asked ${count(done)} of ${count(total)} times, with other parts hidden${left === null ? '' : `; about ${left} left`}`
        : phase === 'fit'
          ? 'Weighing the parts'
          : 'Asking the network'
  return (
    <div class="progress">
      <progress
        max={1}
        value={isPredicting ? done / total : phase === 'fit' ? 1 : undefined}
        aria-label="Explanation"
        aria-valuetext={text}
      />
      <span aria-hidden="true">{text}</span>
    </div>
  )
}

/** In words, from what was done in so many ms; null as long as that is too little to tell. */
export function secondsLeft(done: number, total: number, ms: number): string | null {
  if (done < total / 50 || ms < 1000) return null
  const seconds = Math.ceil(((ms / done) * (total - done)) / 1000)
  if (seconds < 90) return seconds === 1 ? '1 second' : `${seconds} seconds`
  return `${Math.round(seconds / 60)} minutes`
}
