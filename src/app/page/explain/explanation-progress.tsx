import type { ExplanationProgress } from '../contract/engine-api.ts'

export function ExplanationProgressBar({ progress: { phase, done, total } }: { progress: ExplanationProgress }) {
  const isSegmenting = phase === 'segmentation' && done < total
  const text = isSegmenting
    ? 'Finding segments'
    : phase === 'prediction'
      ? `Predicting: ${done} of ${total} samples`
      : phase === 'fit'
        ? 'Fitting'
        : 'Predicting'
  // Before the first samples are back nobody knows how long they take: a bar without a value says so.
  const share = phase === 'prediction' ? done / total : phase === 'fit' ? 1 : undefined
  return (
    <div class="progress">
      <progress max={1} value={share} aria-label="Explanation" aria-valuetext={text} />
      <span aria-hidden="true">{text}</span>
    </div>
  )
}
