import type { Evaluation, ImageSet } from '../contract/engine-api.ts'

/** Which test images are shown. What the network said about them is known only once it has judged them all. */
export interface ImageFilter {
  /** The true class; null for all. */
  readonly label: number | null
  /** What the network says: anything, the right class, a wrong one, or this one. */
  readonly said: 'anything' | 'right' | 'wrong' | number
  /** As they are numbered, or by the probability of what the network says: the highest first, or the lowest. */
  readonly order: 'number' | 'most confident' | 'least confident'
}

export const allImages: ImageFilter = { label: null, said: 'anything', order: 'number' }

export function isShown(
  filter: ImageFilter,
  { labels }: ImageSet,
  evaluation: Evaluation | null,
  index: number,
): boolean {
  const { label, said } = filter
  if (label !== null && labels[index] !== label) return false
  if (said === 'anything' || !evaluation) return true
  const predicted = evaluation.predicted[index]
  if (said === 'right' || said === 'wrong') return (predicted === labels[index]) === (said === 'right')
  return predicted === said
}

/** The images shown, in order. */
export function shownImages(filter: ImageFilter, images: ImageSet, evaluation: Evaluation | null): number[] {
  const indices = Array.from(images.labels.keys()).filter((index) => isShown(filter, images, evaluation, index))
  if (!evaluation || filter.order === 'number') return indices
  const { confidences } = evaluation
  const sign = filter.order === 'most confident' ? -1 : 1
  return indices.sort((a, b) => sign * (confidences[a] - confidences[b]) || a - b)
}
