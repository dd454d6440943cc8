import * as Comlink from 'comlink'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { BenchmarkReport } from '../../benchmark/benchmark-report.ts'
import type { DeviceChoice, DeviceStatus } from '../contract/engine-api.ts'
import { messageOf } from '../worker/use-engine.ts'
import type { BenchmarkApi, BenchmarkNews } from './benchmark-worker.ts'

export interface BenchmarkState {
  readonly phase: 'none' | 'running' | 'stopped' | 'done'
  readonly progress: { readonly done: number; readonly total: number; readonly what: string }
  readonly status: DeviceStatus | null
  /** What is measured so far; null before the device is known. */
  readonly report: BenchmarkReport | null
}

const nothing: BenchmarkState = {
  phase: 'none',
  progress: { done: 0, total: 1, what: 'Loading the network and 10,000 test images' },
  status: null,
  report: null,
}

function afterNews(state: BenchmarkState, news: BenchmarkNews): BenchmarkState {
  switch (news.type) {
    case 'device': {
      const { kind, adapter } = news.status
      const date = new Date().toISOString().slice(0, 10)
      const report = { date, device: kind, adapter, browser: navigator.userAgent, results: [] }
      return { ...state, status: news.status, report }
    }
    case 'progress':
      return { ...state, progress: news }
    case 'ceilings':
      return { ...state, report: state.report && { ...state.report, ceilings: news.ceilings } }
    case 'result':
      return {
        ...state,
        report: state.report && { ...state.report, results: [...state.report.results, news.result] },
      }
  }
}

/** One run at a time, in a Worker that ends with it. */
export function useBenchmark(onProblem: (problem: string | null) => void) {
  const [state, setState] = useState(nothing)
  const running = useRef<Worker | null>(null)

  const end = useCallback(() => {
    running.current?.terminate()
    running.current = null
  }, [])
  useEffect(() => end, [end])

  const start = useCallback(
    (choice: DeviceChoice) => {
      end()
      onProblem(null)
      setState({ ...nothing, phase: 'running' })
      const worker = new Worker(new URL('./benchmark-worker.ts', import.meta.url), { type: 'module' })
      running.current = worker
      const finish = (phase: 'done' | 'stopped', problem?: string) => {
        if (running.current !== worker) return
        end()
        setState((last) => ({ ...last, phase }))
        if (problem) onProblem(problem)
      }
      worker.addEventListener('error', (event) => {
        event.preventDefault()
        finish('stopped', `The benchmark can't run: ${event.message || 'its script could not be loaded'}`)
      })
      const onNews = async (news: BenchmarkNews) => {
        if (running.current !== worker) return
        setState((last) => afterNews(last, news))
        if (news.type === 'device' && news.status.problem) onProblem(news.status.problem)
      }
      Comlink.wrap<BenchmarkApi>(worker)
        .run(choice, Comlink.proxy(onNews))
        .then(
          () => finish('done'),
          (error) => finish('stopped', `The benchmark failed: ${messageOf(error)}`),
        )
    },
    [end, onProblem],
  )

  const stop = useCallback(() => {
    end()
    setState((last) => ({ ...last, phase: 'stopped' }))
  }, [end])

  return { state, start, stop }
}
