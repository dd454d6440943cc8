import type { StateUpdater } from 'preact/hooks'
import { useCallback, useEffect } from 'preact/hooks'
import { LimelightError } from '../../../engine/errors.ts'
import { messageOf } from '../worker/use-engine.ts'
import type { OpenedResults } from './opened-results.ts'
import { isBesideResults, openParts } from './result-files.ts'
import { ResultReading } from './result-reading.ts'
import { descriptionName, readDescription } from './run-description.ts'
import { firstChoice } from './shown-entries.ts'

export type KeepResults = (change: StateUpdater<OpenedResults | null>) => void

export interface ResultsControl {
  /** Opens files of results; pictures and a run.json are taken along. */
  open(files: readonly File[]): void
  stop(): void
  /** Reads what was left when it was stopped. */
  goOn(): void
}

/**
 * @param keep outlives the view: what is being read goes on while another one is looked at
 * @param dropped files that somebody dropped or pasted; another object each time
 */
export function useResults(
  opened: OpenedResults | null,
  keep: KeepResults,
  dropped: readonly File[] | null,
  onDroppedTaken: () => void,
  onProblem: (problem: string | null) => void,
): ResultsControl {
  const read = useCallback(
    async (reading: ResultReading, before: OpenedResults | null) => {
      try {
        const isAll = await reading.goOn(() =>
          keep((now) => (now?.reading === reading ? { ...now, done: reading.progress.done } : now)),
        )
        const { results } = reading
        const { done } = reading.progress
        keep((now) => (now?.reading === reading ? { ...now, phase: isAll ? 'done' : 'stopped', done, results } : now))
      } catch (error) {
        onProblem(messageOf(error))
        keep((now) => (now?.reading === reading ? before : now))
      }
    },
    [keep, onProblem],
  )

  const open = async (files: readonly File[]) => {
    const pictures = files.filter(isPicture)
    const said = files.find(({ name }) => name === descriptionName)
    const others = files.filter(
      (file) => file !== said && !pictures.includes(file) && (files.length === 1 || !isBesideResults(file.name)),
    )
    onProblem(null)
    try {
      const description = said ? await readDescription(said) : null
      const parts = others.length > 0 ? await openParts(others, opened) : null
      const run = (parts ?? opened)?.run
      if (run === undefined) throw new LimelightError('choose the files of results first: part-….parquet')
      if (description && description.run !== run)
        throw new LimelightError(
          `${descriptionName} is of another run, ${description.run}: these are results of ${run}`,
        )
      const taken = (before: OpenedResults | null) =>
        new Map([...(before?.pictures ?? []), ...pictures.map((file) => [pictureKey(file.name), file] as const)])
      if (!parts) {
        keep((now) => now && { ...now, pictures: taken(now), description: description ?? now.description })
        return
      }
      opened?.reading.stop()
      const same = opened?.run === run ? opened : null
      const reading = new ResultReading(parts.parts)
      keep({
        ...parts,
        reading,
        phase: 'reading',
        done: 0,
        results: null,
        description: description ?? same?.description ?? null,
        choice: same?.choice ?? firstChoice,
        page: 0,
        chosen: null,
        pictures: taken(same),
      })
      await read(reading, opened?.phase === 'reading' ? null : opened)
    } catch (error) {
      onProblem(messageOf(error))
    }
  }

  useEffect(() => {
    if (dropped === null) return
    onDroppedTaken()
    open(dropped)
  })

  return {
    open,
    stop: () => opened?.reading.stop(),
    goOn: () => {
      if (!opened) return
      keep({ ...opened, phase: 'reading' })
      read(opened.reading, opened)
    },
  }
}

export function isPicture(file: File): boolean {
  return file.type.startsWith('image/')
}

/** Pictures are found by the last part of their path, in capitals or not. */
export function pictureKey(path: string): string {
  return (path.split(/[/\\]/).at(-1) ?? path).toLowerCase()
}
