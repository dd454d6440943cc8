import { type StateUpdater, useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { ImageSet, OwnNetwork } from '../contract/engine-api.ts'
import {
  type Asked,
  addressOf,
  firstView,
  type Mode,
  showsPhotographs,
  type View,
  type ViewName,
} from '../contract/page-address.ts'
import { viewTitles } from '../parts/view-navigation.tsx'
import type { Picture } from '../pictures/picture.ts'
import { useAsked } from './use-asked.ts'
import { type Told, useReadHistory, useWrittenHistory } from './use-history.ts'

type Change<T> = (change: StateUpdater<T>) => void

/** Where the visitor is: which view, which pictures, explained how. The page's address and the browser's history follow. */
export interface Place {
  readonly view: ViewName
  readonly mode: Mode
  /** null until the images are there. */
  readonly picture: Picture | null
  /** null: the left one's. */
  readonly rightPicture: Picture | null
  readonly left: Asked
  readonly right: Asked
  readonly setPicture: Change<Picture | null>
  readonly setRightPicture: Change<Picture | null>
  readonly setLeft: Change<Asked>
  readonly setRight: Change<Asked>
  /** Goes to the top of a view. */
  readonly go: (to: ViewName) => void
  readonly setMode: (mode: Mode) => void
}

/** @param images as soon as they are there */
export function usePlace(
  images: ImageSet | null,
  ownNetwork: OwnNetwork | null,
  onProblem: (problem: string) => void,
): Place {
  const [view, setView] = useState<ViewName>(firstView.view)
  const [mode, setMode] = useState<Mode>(firstView.mode)
  const { asked: left, change: setLeft, read: readLeft } = useAsked(firstView.left, ownNetwork)
  const { asked: right, change: setRight, read: readRight } = useAsked(firstView.right, ownNetwork)
  const [picture, setPicture] = useState<Picture | null>(null)
  const [rightPicture, setRightPicture] = useState<Picture | null>(null)

  const told: Told = useRef(null)
  const show = useCallback(
    ({ view, mode, left, right }: View, picture: Picture, rightPicture: Picture | null) => {
      setView(view)
      setMode(mode)
      if (mode === 'photograph') return setPicture((now) => now ?? picture)
      readLeft(left)
      setPicture(picture)
      // No other view's address says anything of the right side.
      if (view !== 'compare') return
      readRight(right)
      setRightPicture(rightPicture)
    },
    [readLeft, readRight],
  )
  useReadHistory(told, images, show, onProblem)
  const isOfPhotographs = showsPhotographs({ view, mode })
  const address = addressOf({
    view,
    left: { ...left, image: picture ? picture.index : firstView.left.image },
    right: { ...right, image: rightPicture?.index ?? null },
  })
  useWrittenHistory(told, view, picture, isOfPhotographs ? null : address)
  const isOfPicture = picture && (view === 'explain' || view === 'compare')
  const subject = isOfPhotographs ? ' photographs' : isOfPicture ? ` ${picture.name}` : ''
  useEffect(() => {
    document.title = `${viewTitles[view]}${subject.replace('Test', 'test')} – Limelight`
  }, [view, subject])

  const isMissing =
    images !== null && !ownNetwork && (left.network === 'own' || (view === 'compare' && right.network === 'own'))
  useEffect(() => {
    if (!isMissing) return
    // The Worker tells of it in a message of its own, which may be on its way.
    const timer = setTimeout(() => {
      onProblem(
        'The address asks for a network of your own, and this browser has none: the tutorial’s network answers. Train one, or open its file.',
      )
      setLeft((left) => ({ ...left, network: 'tutorial' }))
      setRight((right) => ({ ...right, network: 'tutorial' }))
    }, 500)
    return () => clearTimeout(timer)
  }, [isMissing, onProblem, setLeft, setRight])

  const go = (to: ViewName) => {
    setView(to)
    scrollTo({ top: 0, behavior: 'instant' })
  }
  return {
    view,
    mode,
    picture,
    rightPicture,
    left,
    right,
    setPicture,
    setRightPicture,
    setLeft,
    setRight,
    go,
    setMode,
  }
}

/** What is asked of a network that is there: one's own may be gone, or not there yet. */
export function askedOfPresent(asked: Asked, ownNetwork: OwnNetwork | null): Asked {
  return asked.network === 'own' && !ownNetwork ? { ...asked, network: 'tutorial' } : asked
}
