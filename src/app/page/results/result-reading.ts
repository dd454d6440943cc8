import { FormatError } from '../../../engine/errors.ts'
import type { ColumnName, ResultRow } from '../../runs/result-row.ts'
import { type RunSummary, SummaryTally, summarised, uncertaintyOfRow } from '../../runs/summarise.ts'
import type { Counted } from '../parts/use-run.ts'
import type { Part } from './result-files.ts'

/** What is known of a row as long as it is not looked at: few numbers, for there may be very many rows. */
export interface ResultEntry {
  readonly part: Part
  /** Its place in the part, from 0. */
  readonly at: number
  /** The image's. */
  readonly id: string
  readonly position: number
  /** The true class's number; null where it is not known. */
  readonly label: number | null
  readonly explained: number | null
  readonly predicted: number | null
  readonly r2: number | null
  /** Half the widths of the weights' intervals over the weights; null of an image without an explanation. */
  readonly uncertainty: number | null
  readonly error: string | null
}

const read = [...summarised, 'predicted_name'] as const satisfies readonly ColumnName[]
type ReadRow = Pick<ResultRow, (typeof read)[number]>

/** What was read of a run's parts. */
export interface ReadResults {
  readonly summary: RunSummary
  /** In the order of the run. */
  readonly entries: readonly ResultEntry[]
  /** By number; of those that some row names. */
  readonly classNames: ReadonlyMap<number, string>
}

/** Reads the rows of parts, a group at a time: what the summary needs and the list shows, and keeps only the latter. */
export class ResultReading {
  private readonly entries: ResultEntry[] = []
  private readonly classNames = new Map<number, string>()
  private readonly tally = new SummaryTally()
  private readonly pieces: AsyncGenerator<number>
  private readonly total: number
  private isStopped = false

  constructor(parts: readonly Part[]) {
    this.total = parts.reduce((sum, { header }) => sum + header.rows, 0)
    this.pieces = this.read(parts)
  }

  get progress(): Counted {
    return { done: this.entries.length, total: this.total }
  }

  /** What was read so far: another object each time. */
  get results(): ReadResults {
    return { summary: this.tally.result(), entries: [...this.entries], classNames: new Map(this.classNames) }
  }

  /**
   * Reads on, from the beginning or from where it was stopped.
   * @returns whether all is read
   * @throws FormatError for a part that is damaged
   */
  async goOn(onProgress: () => void): Promise<boolean> {
    this.isStopped = false
    while (!this.isStopped) {
      const { done } = await this.pieces.next()
      if (done) return true
      onProgress()
    }
    return false
  }

  /** After the piece that is being read. */
  stop(): void {
    this.isStopped = true
  }

  private async *read(parts: readonly Part[]): AsyncGenerator<number> {
    for (const part of parts) {
      const { name, file, reader, header } = part
      let at = 0
      for await (const rows of reader.rows(name, file, read)) {
        for (const row of rows) this.add(part, at++, row)
        yield at
      }
      if (at !== header.rows) throw new FormatError(`${name} is damaged: it says ${header.rows} rows, and has ${at}`)
    }
  }

  private add(part: Part, at: number, row: ReadRow): void {
    this.tally.add(row)
    if (row.class_index !== null && row.class_name !== null) this.classNames.set(row.class_index, row.class_name)
    if (row.predicted !== null && row.predicted_name !== null) this.classNames.set(row.predicted, row.predicted_name)
    if (row.label_index !== null && row.label !== null && !this.classNames.has(row.label_index))
      this.classNames.set(row.label_index, row.label)
    this.entries.push({
      part,
      at,
      id: row.id,
      position: row.position,
      label: row.label_index,
      explained: row.class_index,
      predicted: row.predicted,
      r2: row.r2,
      uncertainty: row.error === null ? uncertaintyOfRow(row) : null,
      error: row.error,
    })
  }
}

/** All of a row. */
export function wholeRow<Name extends ColumnName>(
  { part: { name, file, reader }, at }: ResultEntry,
  wanted: readonly Name[],
): Promise<Pick<ResultRow, Name>> {
  return reader.row(name, file, at, wanted)
}
