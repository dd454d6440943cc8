import { type StateUpdater, useCallback, useEffect, useRef, useState } from 'preact/hooks'
import {
  firstPlace,
  type PhotographAsked,
  photographAddress,
  readPhotographAddress,
} from '../contract/photograph-address.ts'
import type { Side } from '../contract/side.ts'

export type PhotographViewName = 'explain' | 'compare'

/** Where somebody was when they left for another part of the page: there they come back to. */
let lastPlace = firstPlace

/** What is looked at among photographs; the page's address and the browser's history follow. */
export function usePhotographPlace(view: PhotographViewName) {
  const [place, setPlace] = useState(() =>
    new URLSearchParams(location.search).has('mode') ? readPhotographAddress(location.search) : lastPlace,
  )
  lastPlace = place
  useEffect(() => {
    const read = () => {
      if (new URLSearchParams(location.search).has('mode')) setPlace(readPhotographAddress(location.search))
    }
    addEventListener('popstate', read)
    return () => removeEventListener('popstate', read)
  }, [])

  const address = photographAddress(view, place)
  const told = useRef({ view, photograph: place.photograph })
  useEffect(() => {
    const isMove = told.current.view !== view || told.current.photograph !== place.photograph
    told.current = { view, photograph: place.photograph }
    if (address === location.search) return
    const isNew = !new URLSearchParams(location.search).has('mode')
    // Back leads to the view and the picture before, but not to each setting.
    if (isNew || isMove) history.pushState(null, '', location.pathname + address)
    else history.replaceState(null, '', location.pathname + address)
  }, [address, view, place.photograph])

  const setAsked = useCallback((side: Side, change: StateUpdater<PhotographAsked>) => {
    setPlace((now) => ({ ...now, [side]: typeof change === 'function' ? change(now[side]) : change }))
  }, [])
  return { place, setPlace, setAsked }
}
