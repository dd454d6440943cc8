import { useCallback, useEffect, useState } from 'preact/hooks'
import type { LabelMap } from '../../../lime/index.ts'
import type { Fit } from '../../photographs/framing.ts'
import type { DeviceStatus, ExplanationProgress, LabelExplanation } from '../contract/engine-api.ts'
import type { PhotographAsked } from '../contract/photograph-address.ts'
import type { Photograph, PhotographNetwork, PhotographResult, PhotographRun } from '../contract/photograph-api.ts'
import type { Side } from '../contract/side.ts'
import { type RunState, useRun } from '../parts/use-run.ts'
import type { PhotographClient } from './photograph-client.ts'

/** What is asked: another object, and it is another question. */
interface Question {
  readonly network: PhotographNetwork
  readonly photograph: Photograph
  readonly fit: Fit
  readonly settings: PhotographAsked['settings']
  readonly own: LabelMap | null
}

export interface ShownPhotographExplanation {
  readonly question: Question
  readonly result: PhotographResult
}

export interface PhotographProgress extends ExplanationProgress {
  /** When its first samples were asked, in ms; null before. */
  readonly began: number | null
}

export interface PhotographExplanationRun {
  readonly state: RunState<ShownPhotographExplanation, PhotographProgress>
  /** The last one: the rough one, as soon as it is there; null where there is none to show. */
  readonly shown: ShownPhotographExplanation | null
  /** The class of it that is looked at; null where it was not explained. */
  readonly explained: LabelExplanation | null
  /** It answers something else than what is asked now. */
  readonly isStale: boolean
  /** Why it can't be explained yet; null where it can. */
  readonly canExplain: boolean
  explain(): void
  stop(): void
}

const beginning: PhotographProgress = { phase: 'segmentation', done: 0, total: 1, began: null }

/** Explains a photograph when somebody says so, or the address: it takes a while, so changes alone start nothing. */
export function usePhotographExplanation(
  client: PhotographClient,
  side: Side,
  device: DeviceStatus | null,
  { label, settings, isExplained }: PhotographAsked,
  network: PhotographNetwork | null,
  photograph: Photograph | null,
  fit: Fit,
  own: LabelMap | null,
  onProblem: (problem: string) => void,
): PhotographExplanationRun {
  const { state, start, stop } = useRun<ShownPhotographExplanation, PhotographProgress, PhotographRun>(
    client,
    `explain-${side}`,
    'The explanation',
    onProblem,
  )
  const [rough, setRough] = useState<ShownPhotographExplanation | null>(null)
  const canExplain = device !== null && network !== null && network.unknown.length === 0 && photograph !== null

  const explain = useCallback(() => {
    if (!canExplain) return
    const question = { network, photograph, fit, settings, own }
    setRough(null)
    start(async (onProgress) => {
      let began: number | null = null
      const tell = (progress: ExplanationProgress) => {
        if (progress.phase === 'prediction') began ??= performance.now()
        onProgress({ ...progress, began })
      }
      const result = await client.explain(
        side,
        { network: network.id, photograph: photograph.id, fit, label, settings, own },
        tell,
        (first) => setRough({ question, result: first }),
      )
      return { question, result }
    }, beginning)
  }, [client, side, canExplain, network, photograph, fit, settings, own, label, start])

  // What the address asks for is explained as soon as all is there that it needs.
  const [isAwaited, setAwaited] = useState(isExplained)
  useEffect(() => {
    if (!isAwaited || !canExplain) return
    setAwaited(false)
    explain()
  }, [isAwaited, canExplain, explain])

  // Who stops it has seen what the rough one says.
  const shown =
    state.phase === 'done'
      ? state.result
      : state.phase === 'running'
        ? (rough ?? state.former)
        : state.phase === 'stopped'
          ? rough
          : null
  const isSame =
    shown !== null &&
    shown.question.network === network &&
    shown.question.photograph === photograph &&
    shown.question.fit === fit &&
    shown.question.settings === settings &&
    shown.question.own === own
  // What was found out about another picture, or by another network, is of no use here.
  const isOfThis = shown?.question.photograph === photograph && shown.question.network === network
  const asked = label ?? shown?.result.labels[0]?.label
  const explained = shown?.result.labels.find((each) => each.label === asked) ?? null
  return {
    state,
    shown: isOfThis ? shown : null,
    explained: isOfThis ? explained : null,
    isStale: !isSame,
    canExplain,
    explain,
    stop,
  }
}
