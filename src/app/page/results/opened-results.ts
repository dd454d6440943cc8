import type { Parts } from './result-files.ts'
import type { ReadResults, ResultEntry, ResultReading } from './result-reading.ts'
import type { RunDescription } from './run-description.ts'
import type { ListChoice } from './shown-entries.ts'

/** Results that are open, and what of them is looked at: the page holds it while other views are shown. */
export interface OpenedResults extends Parts {
  /** Another object is another reading. */
  readonly reading: ResultReading
  readonly phase: 'reading' | 'stopped' | 'done'
  /** Rows that were read. */
  readonly done: number
  /** null until it has ended. */
  readonly results: ReadResults | null
  /** What run.json says, where it was chosen along. */
  readonly description: RunDescription | null
  readonly choice: ListChoice
  /** Of the list, from 0. */
  readonly page: number
  /** The row that is looked at. */
  readonly chosen: ResultEntry | null
  /** Pictures of one's own, by the names of their files: they are laid under the segments of their rows. */
  readonly pictures: ReadonlyMap<string, File>
}
