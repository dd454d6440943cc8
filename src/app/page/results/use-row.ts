import { useEffect, useState } from 'preact/hooks'
import { columnNames, type ResultRow } from '../../runs/result-row.ts'
import { messageOf } from '../worker/use-engine.ts'
import { type ResultEntry, wholeRow } from './result-reading.ts'

export interface LookedAt {
  readonly entry: ResultEntry
  readonly row: ResultRow
}

/** All of the row that is looked at, read when it is. Until then the one before stays. */
export function useRow(entry: ResultEntry | null, onProblem: (problem: string) => void): LookedAt | null {
  const [known, setKnown] = useState<LookedAt | null>(null)
  useEffect(() => {
    if (!entry) return
    let isOutdated = false
    wholeRow(entry, columnNames).then(
      (row) => {
        if (!isOutdated) setKnown({ entry, row })
      },
      (error) => {
        if (!isOutdated) onProblem(messageOf(error))
      },
    )
    return () => {
      isOutdated = true
    }
  }, [entry, onProblem])
  return entry && known
}
