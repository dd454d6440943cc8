import type { AverageEvidence, Evaluation, NetworkName } from '../contract/engine-api.ts'
import type { Counted, Run } from '../parts/use-run.ts'
import type { ImageFilter } from '../pictures/image-filter.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import { EvidenceGallery } from './evidence-gallery.tsx'
import { JudgementPanel } from './judgement-panel.tsx'

/** How good the network is, and what it goes by. */
export function JudgeView({
  engine,
  network,
  total,
  canJudge,
  judgement,
  average,
  onOpen,
  onProblem,
}: {
  engine: EngineClient
  network: NetworkName
  /** Test images. */
  total: number
  canJudge: boolean
  judgement: Run<Evaluation, Counted>
  average: Run<AverageEvidence, Counted>
  /** Shows these pictures. */
  onOpen: (filter: ImageFilter) => void
  onProblem: (problem: null) => void
}) {
  const counted = (onProgress: (progress: Counted) => void) => (done: number, all: number) =>
    onProgress({ done, total: all })
  return (
    <>
      <JudgementPanel
        state={judgement.state}
        total={total}
        canJudge={canJudge}
        onJudge={() => {
          onProblem(null)
          judgement.start((onProgress) => engine.judge(network, counted(onProgress)), { done: 0, total })
        }}
        onStop={judgement.clear}
        onOpen={onOpen}
      />
      <EvidenceGallery
        state={average.state}
        canStart={canJudge}
        onStart={() => {
          onProblem(null)
          average.start((onProgress) => engine.averageEvidence(network, counted(onProgress)), { done: 0, total: 0 })
        }}
        onStop={average.clear}
      />
    </>
  )
}
