import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import type { LabelMap } from '../../../lime/index.ts'
import type { DeviceStatus } from '../contract/engine-api.ts'
import type { NetworkOffer, PhotographNetwork } from '../contract/photograph-api.ts'
import type { Side } from '../contract/side.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import { messageOf } from '../worker/use-engine.ts'
import { type PhotographClient, photographClient } from './photograph-client.ts'
import { PhotographPanel } from './photograph-panel.tsx'
import { PictureChoice } from './picture-choice.tsx'
import { describedByAddress } from './use-network.ts'
import { usePhotograph } from './use-photograph.ts'
import { type PhotographViewName, usePhotographPlace } from './use-photograph-place.ts'

export { default as styles } from './photographs.css?url'

const compared: readonly { readonly side: Side; readonly title: string }[] = [
  { side: 'left', title: 'First explanation' },
  { side: 'right', title: 'Second explanation' },
]

/** Photographs instead of the data set's pictures: any network, any picture; explained, or compared. */
export function PhotographMode({
  engine,
  device,
  view,
  dropped,
  onDroppedTaken,
  onProblem,
}: {
  engine: EngineClient
  device: DeviceStatus | null
  view: PhotographViewName
  /** Files that somebody dropped or pasted; another object each time. */
  dropped: readonly File[] | null
  /** Whoever comes back here later does not drop them again. */
  onDroppedTaken: () => void
  onProblem: (problem: string | null) => void
}) {
  const client = useMemo(() => photographClient(engine), [engine])
  const { place, setPlace, setAsked } = usePhotographPlace(view)
  const { offers, refresh } = useOffers(client, onProblem)
  const onPhotograph = useCallback((photograph: string) => setPlace((now) => ({ ...now, photograph })), [setPlace])
  const { opened, open } = usePhotograph(client, place.photograph, onPhotograph, onProblem)

  /** Drawn on one photograph, and on one part of it. */
  const [drawn, setDrawn] = useState<{ readonly of: string; readonly segments: LabelMap } | null>(null)
  const drawnOn = `${place.photograph} ${place.fit}`

  // A network that is there is asked without being chosen: whoever comes for the first time sees an answer.
  const present = offers?.find(({ place }) => place !== 'elsewhere')?.id ?? null
  useEffect(() => {
    if (present === null) return
    for (const side of ['left', 'right'] as const)
      setAsked(side, (asked) => (asked.network === null ? { ...asked, network: present } : asked))
  }, [present, setAsked])

  /** What is known of a network both sides know, if they ask it. */
  const [told, setTold] = useState<PhotographNetwork | null>(null)
  const onDescribed = (network: PhotographNetwork) => {
    setTold(network)
    for (const side of ['left', 'right'] as const)
      setAsked(side, (asked) => (asked.network === network.id ? { ...asked, pixels: network.pixels } : asked))
  }

  const openNetwork = async (side: Side, files: readonly File[]) => {
    onProblem(null)
    try {
      const opened = await client.openNetworkFiles(files)
      const { network: wanted, pixels } = place[side]
      // A link says how the network that it was made with takes pixels.
      const isWanted = wanted === opened.id
      const network = isWanted && pixels ? await describedByAddress(client, opened, pixels, onProblem) : opened
      setTold(network)
      await refresh()
      // The class that a link asks for is one of the network's that it asks for.
      setAsked(side, (asked) => ({
        ...asked,
        network: network.id,
        pixels: network.pixels,
        label: isWanted ? asked.label : null,
      }))
    } catch (error) {
      onProblem(`${files.map(({ name }) => name).join(', ')} can't be opened as a network: ${messageOf(error)}`)
    }
  }

  useEffect(() => {
    if (dropped === null) return
    onDroppedTaken()
    const picture = dropped.find(isPicture)
    const others = dropped.filter((file) => !isPicture(file))
    if (picture) open(picture, picture.name || 'Pasted picture')
    if (others.length > 0) void openNetwork('left', others)
  }, [dropped])

  const panels = view === 'compare' ? compared : ([{ side: 'left', title: null }] as const)
  return (
    <>
      <div class={view === 'compare' ? 'compare' : 'photograph-panels'}>
        {panels.map(({ side, title }) => (
          <PhotographPanel
            key={side}
            client={client}
            device={device}
            side={side}
            title={title}
            offers={offers}
            told={told}
            opened={opened}
            fit={place.fit}
            own={drawn?.of === drawnOn ? drawn.segments : null}
            onOwn={(segments) => setDrawn({ of: drawnOn, segments })}
            asked={place[side]}
            onAsked={(change) => setAsked(side, change)}
            onNetworkFiles={(files) => openNetwork(side, files)}
            onDescribed={onDescribed}
            onFetched={refresh}
            onProblem={onProblem}
          />
        ))}
      </div>
      <PictureChoice
        chosen={place.photograph}
        fit={place.fit}
        onFirst={onPhotograph}
        onFile={open}
        onFit={(fit) => setPlace((now) => ({ ...now, fit }))}
        onProblem={onProblem}
      />
    </>
  )
}

function isPicture({ type, name }: File): boolean {
  return type.startsWith('image/') || /\.(png|jpe?g|webp|gif|bmp|avif)$/i.test(name)
}

/** The networks that can be chosen; looked up again when one was opened or downloaded. */
function useOffers(client: PhotographClient, onProblem: (problem: string) => void) {
  const [offers, setOffers] = useState<readonly NetworkOffer[] | null>(null)
  const refresh = useCallback(async () => {
    setOffers(await client.offers())
  }, [client])
  useEffect(() => {
    refresh().catch((error) => onProblem(`The networks can't be listed: ${messageOf(error)}`))
  }, [refresh, onProblem])
  return { offers, refresh }
}
