import { useEffect, useMemo, useState } from 'preact/hooks'
import type { ResultRow } from '../../runs/result-row.ts'
import type { DeviceStatus, ImageSet, NetworkName, OwnNetwork } from '../contract/engine-api.ts'
import { requestOf } from '../contract/explanation-settings.ts'
import { type AddressedSide, addressOf, firstView } from '../contract/page-address.ts'
import { testPicture } from '../pictures/picture.ts'
import { usePrediction } from '../pictures/use-prediction.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import { explainedAnew, hasOneSeed } from './explained-anew.ts'
import type { RunDescription } from './run-description.ts'

/** What explains anew. */
export interface AnewContext {
  readonly engine: EngineClient
  readonly images: ImageSet
  readonly device: DeviceStatus | null
  /** The network that answers on the page. */
  readonly network: NetworkName
  readonly ownNetwork: OwnNetwork | null
  readonly onExplain: (side: AddressedSide) => void
  readonly onProblem: (problem: string) => void
}

/** Answers of the network and of the run that are farther apart than this are another network's. */
const sameAnswer = 1e-4

/** The way from a row of a test image to its explanation on the page, which can be asked further; and whether that will be the same. */
export function AnewLink({
  row,
  index,
  description,
  engine,
  images,
  device,
  network,
  ownNetwork,
  onExplain,
  onProblem,
}: AnewContext & {
  row: ResultRow
  /** The test image's number. */
  index: number
  description: RunDescription | null
}) {
  const side = useMemo(() => explainedAnew(row, description, network), [row, description, network])
  const picture = useMemo(() => testPicture(images, index), [images, index])
  const prediction = usePrediction(engine, side.network, ownNetwork, picture, device, onProblem)
  const isSame = useIsSame(engine, side, row, description)
  const isOther =
    prediction !== null &&
    !prediction.isStale &&
    row.probabilities?.some((number, label) => !(Math.abs(number - prediction.probabilities[label]) < sameAnswer))
  return (
    <div class="anew">
      <a
        href={addressOf({ view: 'explain', left: side, right: firstView.right })}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return
          event.preventDefault()
          onExplain(side)
        }}
      >
        Explain it here, with its own seeds
      </a>
      <p class="hint">
        {isOther
          ? 'The network chosen above says something else of this picture: the run had another, and the weights will differ.'
          : isSame === null
            ? 'Settings that the parts do not say, as the segmenter, are the usual ones: drop the run’s run.json to have all.'
            : isSame === undefined
              ? 'Asking whether this is the same request…'
              : isSame
                ? 'The same request: the same weights.'
                : 'The run asked for something that the page can’t: what can’t be said here is as usual, and the weights will differ.'}
      </p>
    </div>
  )
}

/** Whether the page asks what the run asked; null where nobody said what that was, undefined until the Worker, who knows, has said it. */
function useIsSame(
  engine: EngineClient,
  { settings }: AddressedSide,
  row: ResultRow,
  description: RunDescription | null,
): boolean | null | undefined {
  const asked = useMemo(() => requestOf(settings), [settings])
  const [known, setKnown] = useState<{ readonly of: object; readonly isSame: boolean } | null>(null)
  useEffect(() => {
    if (!description) return
    let isOutdated = false
    engine.asksSame(description.request, asked).then((isSame) => {
      if (!isOutdated) setKnown({ of: asked, isSame })
    })
    return () => {
      isOutdated = true
    }
  }, [engine, description, asked])
  if (!description) return null
  if (!hasOneSeed(row)) return false
  return known?.of === asked ? known.isSame : undefined
}
