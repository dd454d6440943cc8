import { useCallback, useRef, useState } from 'preact/hooks'
import type { Evaluation } from './engine-api.ts'
import { type EngineClient, isStopped } from './engine-client.ts'
import { messageOf } from './use-engine.ts'

export type JudgementState =
  | { readonly phase: 'none' }
  | { readonly phase: 'running'; readonly done: number; readonly total: number }
  | { readonly phase: 'done'; readonly evaluation: Evaluation }

/** The network's answers to all test images, once somebody asks. */
export function useJudgement(engine: EngineClient, total: number, onProblem: (problem: string | null) => void) {
  const [state, setState] = useState<JudgementState>({ phase: 'none' })
  const run = useRef(0)

  const judge = useCallback(() => {
    const own = ++run.current
    onProblem(null)
    setState({ phase: 'running', done: 0, total })
    engine
      .judge((done, all) => own === run.current && setState({ phase: 'running', done, total: all }))
      .then(
        (evaluation) => {
          if (own !== run.current) return
          // Progress is told on a channel of its own and may arrive later than the result.
          run.current++
          setState({ phase: 'done', evaluation })
        },
        (error) => {
          if (own !== run.current) return
          run.current++
          setState({ phase: 'none' })
          if (!isStopped(error)) onProblem(`The judgement failed: ${messageOf(error)}`)
        },
      )
  }, [engine, total, onProblem])

  const stop = useCallback(() => {
    run.current++
    engine.stopJudging()
    setState({ phase: 'none' })
  }, [engine])

  return { state, judge, stop }
}
