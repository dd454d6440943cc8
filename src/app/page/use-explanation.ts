import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { ExplanationProgress, ExplanationResult, ExplanationSettings } from './engine-api.ts'
import { type EngineClient, isStopped } from './engine-client.ts'
import type { Picture } from './picture.ts'
import { messageOf } from './use-engine.ts'

export type ExplanationState =
  | { readonly phase: 'none' }
  | { readonly phase: 'running'; readonly progress: ExplanationProgress }
  | { readonly phase: 'stopped' }
  | { readonly phase: 'done'; readonly result: ExplanationResult }

const beginning: ExplanationProgress = { phase: 'segmentation', done: 0, total: 1 }

/** One explanation at a time, of one picture: another picture stops the run and clears its result. */
export function useExplanation(engine: EngineClient, picture: Picture, onProblem: (problem: string | null) => void) {
  const [state, setState] = useState<ExplanationState>({ phase: 'none' })
  /** Counts runs: what an earlier one still says is not listened to. */
  const run = useRef(0)

  useEffect(
    () => () => {
      run.current++
      engine.stop()
      setState({ phase: 'none' })
    },
    [engine, picture],
  )

  const explain = useCallback(
    (settings: ExplanationSettings) => {
      const own = ++run.current
      const ifCurrent = (next: ExplanationState) => {
        if (own === run.current) setState(next)
      }
      onProblem(null)
      setState({ phase: 'running', progress: beginning })
      engine
        .explain(picture.pixels, settings, (progress) => ifCurrent({ phase: 'running', progress }))
        .then(
          (result) => {
            ifCurrent({ phase: 'done', result })
            // Progress is told on a channel of its own and may arrive later than the result.
            if (own === run.current) run.current++
          },
          (error) => {
            if (own !== run.current) return
            setState({ phase: isStopped(error) ? 'stopped' : 'none' })
            run.current++
            if (!isStopped(error)) onProblem(`The explanation failed: ${messageOf(error)}`)
          },
        )
    },
    [engine, picture, onProblem],
  )

  const stop = useCallback(() => {
    run.current++
    engine.stop()
    setState({ phase: 'stopped' })
  }, [engine])

  return { state, explain, stop }
}
