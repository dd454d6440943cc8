import type { OutputKind } from '../../../engine/model/picture-network.ts'

/** What a network's numbers may be, for people. */
export const outputTitles: Readonly<Record<OutputKind, string>> = {
  probabilities: 'probabilities that add up to 1 (softmax)',
  logits: 'scores without bounds (logits)',
  'log-probabilities': 'logarithms of probabilities',
  sigmoid: 'a probability of each class by itself (sigmoid)',
  values: 'values that are of no class (an age, a price)',
}
