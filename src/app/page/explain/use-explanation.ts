import { useCallback, useEffect, useRef } from 'preact/hooks'
import type {
  DeviceStatus,
  ExplanationProgress,
  ExplanationResult,
  LabelExplanation,
  OwnNetwork,
  RunName,
} from '../contract/engine-api.ts'
import { requestOf } from '../contract/explanation-settings.ts'
import type { Asked } from '../contract/page-address.ts'
import type { Side } from '../contract/side.ts'
import { type RunState, useRun } from '../parts/use-run.ts'
import type { Picture } from '../pictures/picture.ts'
import type { EngineClient } from '../worker/engine-client.ts'

/** An explanation and what it is of. */
export interface ShownExplanation {
  readonly picture: Picture
  readonly asked: Asked
  readonly device: DeviceStatus
  readonly ownNetwork: OwnNetwork | null
  readonly result: ExplanationResult
}

/** The explanation of one picture, on its way or there. */
export interface ExplanationRun {
  readonly state: RunState<ShownExplanation, ExplanationProgress>
  /** The last one, until the next is there: null where there is none to show. */
  readonly shown: ShownExplanation | null
  /** The class of it that is looked at. */
  readonly explained: LabelExplanation | null
  /** It answers something else than what is asked now. */
  readonly isStale: boolean
  /** Another is made, or is about to be. */
  readonly isBusy: boolean
  explain(): void
  stop(): void
}

const beginning: ExplanationProgress = { phase: 'segmentation', done: 0, total: 1 }
/** While a slider moves or somebody types, in ms: the next change comes sooner than this. */
const pause = 60

/** Explains a picture, and explains it anew at every change as long as that is wanted. */
export function useExplanation(
  engine: EngineClient,
  side: Side,
  picture: Picture,
  { network, label, settings, isExplained }: Asked,
  device: DeviceStatus | null,
  ownNetwork: OwnNetwork | null,
  onProblem: (problem: string) => void,
): ExplanationRun {
  const { state, start, stop, clear } = useRun<ShownExplanation, ExplanationProgress, RunName>(
    engine,
    `explain-${side}`,
    'The explanation',
    onProblem,
  )
  /** What its numbers depend on: of one's own network a new object is a new network. */
  const usedNetwork = network === 'own' ? ownNetwork : null
  const canExplain = device !== null

  const explain = useCallback(() => {
    if (!device) return
    const asking = {
      picture,
      asked: { network, label: null, settings, isExplained: true },
      device,
      ownNetwork: usedNetwork,
    }
    start(
      async (onProgress) => ({
        ...asking,
        result: await engine.explain(side, network, picture.pixels, requestOf(settings), onProgress),
      }),
      beginning,
    )
  }, [engine, side, device, picture, network, usedNetwork, settings, start])

  const shown = state.phase === 'done' ? state.result : state.phase === 'running' ? state.former : null
  const now = useRef({ isExplained, isShown: shown !== null })
  now.current = { isExplained, isShown: shown !== null }

  // Every change is explained at once, as long as it is explained at all.
  useEffect(() => {
    if (!isExplained || !canExplain) return
    const timer = setTimeout(explain, now.current.isShown ? pause : 0)
    return () => clearTimeout(timer)
  }, [isExplained, canExplain, explain])
  // An explanation that is not made anew is that of one picture.
  useEffect(() => {
    if (picture && !now.current.isExplained) clear()
  }, [picture, clear])
  useEffect(() => clear, [clear])

  const isCurrent =
    state.phase === 'done' &&
    shown?.picture === picture &&
    shown.asked.settings === settings &&
    shown.asked.network === network &&
    shown.ownNetwork === usedNetwork &&
    shown.device === device
  const isAwaited = isExplained && canExplain && !isCurrent && state.phase !== 'failed' && state.phase !== 'stopped'
  const explained = shown && (shown.result.labels.find((each) => each.label === label) ?? shown.result.labels[0])
  return { state, shown, explained, isStale: !isCurrent, isBusy: state.phase === 'running' || isAwaited, explain, stop }
}
