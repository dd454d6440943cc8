import { useEffect, useState } from 'preact/hooks'
import type { AverageEvidence, Evaluation, OwnNetwork, RunName, ShippedNetwork } from '../contract/engine-api.ts'
import { type Counted, type Run, useRun } from '../parts/use-run.ts'
import { allImages, type ImageFilter } from '../pictures/image-filter.ts'
import type { EngineClient } from '../worker/engine-client.ts'

/** What is found out about one network by asking it about many pictures, and which of them are looked at. */
export interface Judging {
  readonly judgement: Run<Evaluation, Counted>
  readonly average: Run<AverageEvidence, Counted>
  /** What the judgement came to; null before. */
  readonly evaluation: Evaluation | null
  readonly filter: ImageFilter
  readonly setFilter: (filter: ImageFilter) => void
}

/** @param source the network that answers: another one is judged anew */
export function useJudging(
  engine: EngineClient,
  source: OwnNetwork | ShippedNetwork | null,
  onProblem: (problem: string) => void,
): Judging {
  const judgement = useRun<Evaluation, Counted, RunName>(engine, 'judge', 'The judgement', onProblem)
  const average = useRun<AverageEvidence, Counted, RunName>(engine, 'average', 'The average', onProblem)
  const [filter, setFilter] = useState<ImageFilter>(allImages)
  const { clear: clearJudgement } = judgement
  const { clear: clearAverage } = average
  useEffect(() => {
    clearJudgement()
    clearAverage()
    setFilter(({ label }) => ({ ...allImages, label }))
  }, [source, clearJudgement, clearAverage])
  const evaluation = judgement.state.phase === 'done' ? judgement.state.result : null
  return { judgement, average, evaluation, filter, setFilter }
}
