/** A run of which only the queue is real. */
export function inMemoryRun(shardCount) {
  return {
    hash: 'feedfeedfeedfeed',
    shardCount,
    imageCount: shardCount,
    run: { shardSize: 1 },
    published: async () => new Set(),
  }
}
