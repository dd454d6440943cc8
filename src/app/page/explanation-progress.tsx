import type { ExplanationProgress } from './engine-api.ts'

export function ExplanationProgressBar({ progress: { phase, done, total } }: { progress: ExplanationProgress }) {
  const text = {
    segmentation: 'Finding segments',
    prediction: `Predicting: ${done} of ${total} samples`,
    fit: 'Fitting',
  }[phase]
  return (
    <div class="progress">
      <progress
        max={1}
        value={phase === 'segmentation' ? 0 : phase === 'fit' ? 1 : done / total}
        aria-label="Explanation"
        aria-valuetext={text}
      />
      <span aria-hidden="true">{text}</span>
    </div>
  )
}
