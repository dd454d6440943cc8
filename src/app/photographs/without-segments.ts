import type { Model } from '../../engine/facade/model.ts'
import type { AbortSignal } from '../../engine/platform/types.ts'
import type { Image } from '../../lime/index.ts'
import { withChannels } from '../pictures/resized-picture.ts'
import type { ExplainedPhotograph } from './explain-photograph.ts'
import { floatsOf, seenWithout } from './on-photograph.ts'

/** What the network sees and says when the segments that speak most for a label are hidden. */
export interface WithoutSegments {
  readonly label: number
  readonly hidden: readonly number[]
  /** [H, W, 3], in the network's size. */
  readonly seen: Image
  /** What it says of the label then. */
  readonly number: number
}

/** So many segments are hidden, at most. */
const mostHidden = 5

/**
 * Hides what speaks most for each label that was explained, and asks the network again.
 * @param model the network for pictures as they are here, on a device
 */
export async function withoutBest(
  { attribution, asked }: ExplainedPhotograph,
  model: Model,
  signal?: AbortSignal,
): Promise<WithoutSegments[]> {
  const parts = attribution.labels.map((label) => {
    const hidden = attribution
      .weightsOf(label)
      .filter(([, weight]) => weight > 0)
      .slice(0, mostHidden)
      .map(([segment]) => segment)
    return { label, hidden, seen: seenWithout(attribution, new Set(hidden)) }
  })
  const { height, width, channels } = asked
  const size = height * width * channels
  const data = new Float32Array(parts.length * size)
  parts.forEach(({ seen }, i) => {
    data.set(withChannels(floatsOf(seen), channels).data, i * size)
  })
  const answers = await model.predict({ data, shape: [parts.length, height, width, channels] }, { signal })
  const classes = answers.shape[1]
  return parts.map((part, i) => ({ ...part, number: answers.data[i * classes + part.label] }))
}
