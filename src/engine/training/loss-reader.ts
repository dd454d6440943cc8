import type { Memory, Place } from '../device.ts'
import type { CompiledModel } from '../model/compiled.ts'
import type { Scores } from './objective.ts'
import { ringRows, type ScoreSums } from './state.ts'

/** How long the ring may go unread: a read makes the host wait for the device. */
const readEveryMs = 100

/** A step whose loss lies in the ring. */
interface Entry {
  readonly batch: number
  readonly row: number
  /** Of its epoch, from 1. */
  readonly step: number
  /** Milliseconds since the epoch began. */
  readonly elapsed: number
}

/** Reads the losses and metrics of steps that have run since the last read, and reports them. */
export class LossReader {
  private readonly pending: Entry[] = []
  private lastRead = performance.now()

  /**
   * @param names of the ring's columns
   * @param sums of the epoch's steps before the first that it reads
   */
  constructor(
    private readonly compiled: CompiledModel,
    private readonly ring: Memory,
    private readonly names: readonly (keyof Scores)[],
    private sums: ScoreSums,
    private readonly report: (entry: Entry, batch: Scores, means: Scores) => void,
  ) {}

  /** Over the samples of the steps that were read. */
  get means(): Scores {
    return this.scoresOf((name) => (this.sums[name] ?? 0) / this.sums.samples)
  }

  get total(): ScoreSums {
    return this.sums
  }

  async afterStep(entry: Entry, isLast: boolean): Promise<void> {
    this.pending.push(entry)
    const isDue = performance.now() - this.lastRead >= readEveryMs
    if (isLast || isDue || this.pending.length === ringRows) await this.read()
  }

  /** Reads what is left. */
  async read(): Promise<void> {
    if (this.pending.length === 0) return
    const width = this.names.length
    const place: Place = { memory: this.ring, operand: { shape: [ringRows, width], dtype: 'f32', offset: 0 } }
    const values = await this.compiled.exclusive(() => this.compiled.device.read(place))
    for (const entry of this.pending.splice(0)) {
      const { batch, row } = entry
      const scores = this.scoresOf((_name, column) => values[width * row + column])
      const sums = this.scoresOf((name) => (this.sums[name] ?? 0) + (scores[name] ?? 0) * batch)
      this.sums = { ...sums, samples: this.sums.samples + batch }
      this.report(entry, scores, this.means)
    }
    this.lastRead = performance.now()
  }

  private scoresOf(value: (name: keyof Scores, column: number) => number): Scores {
    const scores = { loss: 0, ...Object.fromEntries(this.names.map((name, column) => [name, value(name, column)])) }
    return scores
  }
}
