import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { PhotographAsked } from '../contract/photograph-address.ts'
import type { Fetched, NetworkOffer, PhotographNetwork } from '../contract/photograph-api.ts'
import { isSamePixelNumbers, type PixelNumbers } from '../contract/pixel-numbers.ts'
import type { Side } from '../contract/side.ts'
import { isStopped } from '../worker/engine-client.ts'
import { messageOf } from '../worker/use-engine.ts'
import type { PhotographClient } from './photograph-client.ts'

export type OpenedNetwork =
  | { readonly phase: 'none' }
  /** It would come from elsewhere: it is fetched when somebody says so. */
  | { readonly phase: 'offered'; readonly offer: NetworkOffer }
  | { readonly phase: 'opening'; readonly fetched: Fetched | null }
  | { readonly phase: 'open'; readonly network: PhotographNetwork }
  /** One from somebody's own file, which this browser does not have. */
  | { readonly phase: 'missing' }

export interface NetworkControl {
  readonly opened: OpenedNetwork
  /** Downloads the one that is offered. */
  download(): void
  stop(): void
}

/**
 * The network that one side asks.
 * @param asked which, and how it takes pixels where the address says so
 * @param told one that was opened from a file, or that somebody described: where it is the one asked, it is known so from now on
 * @param onPixels hears how it takes pixels where the address did not say so, and the browser remembers
 */
export function useNetwork(
  client: PhotographClient,
  side: Side,
  offers: readonly NetworkOffer[] | null,
  asked: Pick<PhotographAsked, 'network' | 'pixels'>,
  told: PhotographNetwork | null,
  onPixels: (pixels: PixelNumbers) => void,
  onProblem: (problem: string | null) => void,
): NetworkControl {
  const { network: id } = asked
  const now = useRef({ asked, onPixels })
  now.current = { asked, onPixels }
  const [opened, setOpened] = useState<OpenedNetwork>({ phase: 'none' })
  const offer = offers?.find((each) => each.id === id) ?? null

  const fetchIt = useCallback(
    (wanted: NetworkOffer) => {
      setOpened({ phase: 'opening', fetched: null })
      const tell = (fetched: Fetched) =>
        setOpened((now) => (now.phase === 'opening' ? { phase: 'opening', fetched } : now))
      /** The address may say how it takes pixels, or the browser remember it. */
      const describedAsAsked = async (network: PhotographNetwork) => {
        const { asked, onPixels } = now.current
        if (asked.network !== network.id) return network
        if (asked.pixels) return describedByAddress(client, network, asked.pixels, onProblem)
        if (network.pixels) onPixels(network.pixels)
        return network
      }
      client
        .openNetwork(side, wanted.id, tell)
        .then(describedAsAsked)
        .then(
          (network) => setOpened((now) => (now.phase === 'opening' ? { phase: 'open', network } : now)),
          (error) => {
            if (!isStopped(error)) onProblem(`The network can't be opened: ${messageOf(error)}`)
            setOpened((now) => (now.phase === 'opening' ? { phase: 'offered', offer: wanted } : now))
          },
        )
    },
    [client, side, onProblem],
  )

  useEffect(() => {
    if (!offers) return
    if (opened.phase === 'open' && opened.network.id === id) return
    if (id === null) setOpened({ phase: 'none' })
    else if (!offer) setOpened({ phase: 'missing' })
    else if (offer.place === 'elsewhere') setOpened({ phase: 'offered', offer })
    else fetchIt(offer)
    // Only another one is opened: what becomes of this one is no reason to open it again.
  }, [client, offers === null, offer === null, id, fetchIt])

  useEffect(() => {
    if (told && told.id === id) setOpened({ phase: 'open', network: told })
  }, [told])

  return {
    opened,
    download: () => {
      if (!offer) return
      onProblem(null)
      fetchIt(offer)
    },
    stop: () => client.stop(`network-${side}`),
  }
}

/** A network that takes pixels as an address says, where that fits it. */
export async function describedByAddress(
  client: PhotographClient,
  network: PhotographNetwork,
  pixels: PixelNumbers,
  onProblem: (problem: string) => void,
): Promise<PhotographNetwork> {
  if (isSamePixelNumbers(pixels, network.pixels)) return network
  try {
    return await client.describeNetwork(network.id, {}, pixels)
  } catch (error) {
    onProblem(`How the address says that ${network.title} takes pixels does not fit it: ${messageOf(error)}`)
    return network
  }
}
