import type { ShardJob } from '../../../src/app/queue/shard-job.ts'
import type { ComputeCall, ShardComputer } from '../../../src/app/queue/shard-threads.ts'
import type { OpenedRun, ShardOutcome } from '../../../src/app/runs/opened-run.ts'
import { explanationRequest } from '../../../src/lime/index.ts'

/** A run of this process's memory, whose shards are computed when the test says so: what the queue does with it is what is tested. */

export const shardSize = 256

export class InMemoryRun {
  readonly output = '/in/memory'
  /** What was published, and how often somebody tried. */
  readonly publications = new Map<number, number>()

  constructor(
    readonly hash: string,
    readonly shardCount: number,
  ) {}

  get opened(): OpenedRun {
    const { hash, shardCount, publications } = this
    const unused = () => Promise.reject(new Error('not of this test'))
    return {
      run: {
        version: 1,
        request: explanationRequest({ version: 1, method: 'lime' }),
        model: { source: '/model', sha256: 'a'.repeat(64) },
        output: this.output,
        shardSize,
        format: 'parquet',
        device: { name: 'cpu', arithmetic: 'strict', convolution: 'auto', halfPrecision: false },
        labels: 'predicted-and-true',
        program: '0.0.0',
        images: { kind: 'test-set', first: 0, count: shardCount * shardSize },
      },
      hash,
      shardCount,
      imageCount: shardCount * shardSize,
      published: async () => new Set(publications.keys()),
      compute: unused,
      finish: unused,
      close: async () => {},
    }
  }

  publish(shard: number): ShardOutcome {
    const before = this.publications.get(shard) ?? 0
    this.publications.set(shard, before + 1)
    return {
      shard,
      name: `${shard}.parquet`,
      published: before === 0 ? 'now' : 'before',
      images: shardSize,
      rows: shardSize,
      errors: 0,
      content: `${shard}`,
      seconds: 1,
    }
  }
}

/** A shard that is being computed: the test ends it. */
export interface Computing {
  readonly job: ShardJob
  readonly call: ComputeCall
  publish(): void
  fail(error: Error): void
}

export class ComputerInHand implements ShardComputer {
  /** All that were begun, in order. */
  readonly begun: Computing[] = []
  private readonly heard: (() => void)[] = []
  private aborts: Promise<void> = Promise.resolve()

  constructor(private readonly run: InMemoryRun) {}

  /** As threads that do not look up: what is aborted stops when the function is called that this returns. */
  holdAborts(): () => void {
    let release = () => {}
    this.aborts = new Promise((resolve) => {
      release = resolve
    })
    return release
  }

  compute(job: ShardJob, call: ComputeCall): Promise<ShardOutcome> {
    return new Promise((resolve, reject) => {
      this.begun.push({ job, call, publish: () => resolve(this.run.publish(job.shard)), fail: reject })
      call.signal.addEventListener('abort', () => this.aborts.then(() => reject(call.signal.reason)))
      for (const hear of this.heard.splice(0)) hear()
    })
  }

  /** Waits until the n-th shard, from 0, was begun. */
  async nth(n: number): Promise<Computing> {
    for (;;) {
      const computing = this.begun[n]
      if (computing) return computing
      await new Promise<void>((resolve) => this.heard.push(resolve))
    }
  }

  async close(): Promise<void> {}
}
