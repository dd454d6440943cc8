import { useCallback, useRef, useState } from 'preact/hooks'
import { isStopped } from '../worker/engine-client.ts'
import { messageOf } from '../worker/use-engine.ts'

/** Long work in the Worker, as the page shows it. */
export type RunState<Result, Progress> =
  | { readonly phase: 'none' }
  /** `former` is the result it will replace, as long as that is still of use. */
  | { readonly phase: 'running'; readonly progress: Progress; readonly former: Result | null }
  | { readonly phase: 'stopped' }
  | { readonly phase: 'failed' }
  | { readonly phase: 'done'; readonly result: Result }

/** The progress of work that is counted: so many of so many. */
export interface Counted {
  readonly done: number
  readonly total: number
}

export interface Run<Result, Progress> {
  readonly state: RunState<Result, Progress>
  /** A run under way is stopped by the Worker when the next one of its name starts. */
  start(work: (onProgress: (progress: Progress) => void) => Promise<Result>, beginning: Progress): void
  stop(): void
  /** Stops it and forgets its result. */
  clear(): void
}

/**
 * @param engine what it runs in
 * @param what it is, for people, at the beginning of a sentence
 */
export function useRun<Result, Progress, Name extends string>(
  engine: { stop(run: Name): unknown },
  name: Name,
  what: string,
  onProblem: (problem: string) => void,
): Run<Result, Progress> {
  type State = RunState<Result, Progress>
  const [state, setState] = useState<State>({ phase: 'none' })
  /** Counts runs: what an earlier one still says is not listened to. */
  const run = useRef(0)

  const start: Run<Result, Progress>['start'] = useCallback(
    (work, beginning) => {
      const own = ++run.current
      const running =
        (progress: Progress) =>
        (before: State): State => ({
          phase: 'running',
          progress,
          former: before.phase === 'done' ? before.result : before.phase === 'running' ? before.former : null,
        })
      setState(running(beginning))
      const end = (next: State) => {
        if (own !== run.current) return
        // Progress is told on a channel of its own and may arrive later than the result.
        run.current++
        setState(next)
      }
      work((progress) => own === run.current && setState(running(progress))).then(
        (result) => end({ phase: 'done', result }),
        (error) => {
          if (own === run.current && !isStopped(error)) onProblem(`${what} failed: ${messageOf(error)}`)
          end({ phase: isStopped(error) ? 'stopped' : 'failed' })
        },
      )
    },
    [what, onProblem],
  )

  const leave = useCallback(
    (next: State) => {
      run.current++
      engine.stop(name)
      setState(next)
    },
    [engine, name],
  )
  const stop = useCallback(() => leave({ phase: 'stopped' }), [leave])
  const clear = useCallback(() => leave({ phase: 'none' }), [leave])
  return { state, start, stop, clear }
}
