import type { Memory, Place } from '../device.ts'
import type { CompiledModel } from '../model/compiled.ts'
import { type LossSums, ringRows } from './state.ts'

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

/** Reads the losses of steps that have run since the last read, and reports them. */
export class LossReader {
  private readonly pending: Entry[] = []
  private lastRead = performance.now()

  /** @param sums of the epoch's steps before the first that it reads */
  constructor(
    private readonly compiled: CompiledModel,
    private readonly ring: Memory,
    private sums: LossSums,
    private readonly report: (
      entry: Entry,
      batchLoss: number,
      batchAccuracy: number,
      means: { loss: number; accuracy: number },
    ) => void,
  ) {}

  /** Over the samples of the steps that were read. */
  get means(): { loss: number; accuracy: number } {
    const { loss, hits, samples } = this.sums
    return { loss: loss / samples, accuracy: hits / samples }
  }

  get total(): LossSums {
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
    const place: Place = { memory: this.ring, operand: { shape: [ringRows, 2], dtype: 'f32', offset: 0 } }
    const values = await this.compiled.exclusive(() => this.compiled.device.read(place))
    for (const entry of this.pending.splice(0)) {
      const [loss, accuracy] = [values[2 * entry.row], values[2 * entry.row + 1]]
      const { batch } = entry
      this.sums = {
        loss: this.sums.loss + loss * batch,
        hits: this.sums.hits + accuracy * batch,
        samples: this.sums.samples + batch,
      }
      this.report(entry, loss, accuracy, this.means)
    }
    this.lastRead = performance.now()
  }
}
