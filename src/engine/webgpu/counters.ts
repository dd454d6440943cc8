/** What a device has made since it was opened, and the bytes it was given. For tests of what a replay costs. */
export interface Counters {
  dispatches: number
  passes: number
  submits: number
  writes: number
  bytesWritten: number
  buffers: number
  bindGroups: number
  pipelines: number
  /** Buffers that exist now. */
  liveBuffers: number
}

export function newCounters(): Counters {
  return {
    dispatches: 0,
    passes: 0,
    submits: 0,
    writes: 0,
    bytesWritten: 0,
    buffers: 0,
    bindGroups: 0,
    pipelines: 0,
    liveBuffers: 0,
  }
}
