import { useCallback, useEffect, useState } from 'preact/hooks'
import type { Photograph } from '../contract/photograph-api.ts'
import { messageOf } from '../worker/use-engine.ts'
import { firstPictures } from './first-pictures.ts'
import type { PhotographClient } from './photograph-client.ts'

export type OpenedPhotograph =
  | { readonly phase: 'opening' }
  | { readonly phase: 'open'; readonly photograph: Photograph }
  /** One of somebody's own, which this browser does not have. */
  | { readonly phase: 'missing' }
  | { readonly phase: 'failed' }

/** The photograph that the address asks for; and others, opened from files. */
export function usePhotograph(
  client: PhotographClient,
  id: string,
  onPhotograph: (id: string) => void,
  onProblem: (problem: string | null) => void,
): { readonly opened: OpenedPhotograph; readonly open: (file: Blob, name: string) => void } {
  const [opened, setOpened] = useState<OpenedPhotograph>({ phase: 'opening' })
  const shown = opened.phase === 'open' ? opened.photograph.id : null

  useEffect(() => {
    if (shown === id) return
    let isOutdated = false
    const end = (next: OpenedPhotograph) => {
      if (!isOutdated) setOpened(next)
    }
    setOpened({ phase: 'opening' })
    photographOf(client, id).then(
      (photograph) => end(photograph ? { phase: 'open', photograph } : { phase: 'missing' }),
      (error) => {
        if (!isOutdated) onProblem(`The picture can't be opened: ${messageOf(error)}`)
        end({ phase: 'failed' })
      },
    )
    return () => {
      isOutdated = true
    }
    // What is shown already needs no opening: a file has been opened before its name is in the address.
  }, [client, id, onProblem])

  const open = useCallback(
    (file: Blob, name: string) => {
      onProblem(null)
      client.openPhotograph(file, name, null).then(
        (photograph) => {
          setOpened({ phase: 'open', photograph })
          onPhotograph(photograph.id)
        },
        (error) => onProblem(`${name} can't be opened: ${messageOf(error)}`),
      )
    },
    [client, onPhotograph, onProblem],
  )
  return { opened, open }
}

async function photographOf(client: PhotographClient, id: string): Promise<Photograph | null> {
  const first = firstPictures.find((each) => each.id === id)
  if (!first) return client.keptPhotograph(id)
  const response = await fetch(first.address)
  if (!response.ok) throw new Error(`the server answers ${response.status}`)
  return client.openPhotograph(await response.blob(), first.name, id)
}
