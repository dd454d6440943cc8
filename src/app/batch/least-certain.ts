/** Which of very many explanations are the least certain ones: kept as they come, in bounded memory. */

/** How wide the intervals of weights are, as a share of the weights: half the widths' sum over the sum of |weight|. */
export function uncertaintyOf(
  weights: readonly number[],
  intervals: readonly (readonly [low: number, high: number])[],
): number {
  const reach = intervals.reduce((sum, [low, high]) => sum + (high - low) / 2, 0)
  const size = weights.reduce((sum, weight) => sum + Math.abs(weight), 0)
  return size > 0 ? reach / size : 0
}

export class LeastCertain<Item extends { readonly uncertainty: number }> {
  private items: Item[] = []

  constructor(private readonly most = 10) {}

  add(item: Item): void {
    this.items.push(item)
    if (this.items.length >= 100 * this.most) this.items = this.list()
  }

  /** The least certain first; of equals the one that came first. */
  list(): Item[] {
    return [...this.items].sort((a, b) => b.uncertainty - a.uncertainty).slice(0, this.most)
  }
}
