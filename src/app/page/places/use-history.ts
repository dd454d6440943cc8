import type { RefObject } from 'preact'
import { useEffect } from 'preact/hooks'
import { task } from '../../tasks/chosen-task.ts'
import type { ImageSet } from '../contract/engine-api.ts'
import { readAddress, unreadIn, type View, type ViewName } from '../contract/page-address.ts'
import { type Picture, testPicture } from '../pictures/picture.ts'

/** What one entry of the browser's history shows. */
interface Entry {
  readonly view: ViewName
  /** The picture's. */
  readonly name: string
  /** When it came, in ms. */
  readonly at: number
}

/** What the browser's history has last been told. */
export type Told = RefObject<Entry | null>

/** A picture that is looked at for less, in ms, gets no entry in the browser's history. */
const stay = 1000

/** Shows what the address says as soon as the images are there, and again whenever the visitor goes back or forward. */
export function useReadHistory(
  told: Told,
  images: ImageSet | null,
  show: (view: View, picture: Picture, rightPicture: Picture | null) => void,
  onProblem: (problem: string) => void,
): void {
  useEffect(() => {
    if (!images) return
    const { count } = images
    const read = () => {
      const shown = readAddress(location.search, count)
      const { view, left, right } = shown
      const picture = heldPicture(history.state) ?? testPicture(images, left.image ?? 0)
      told.current = { view, name: picture.name, at: 0 }
      show(shown, picture, right.image === null ? null : testPicture(images, right.image))
    }
    read()
    const unread = unreadIn(location.search, count)
    if (unread.length > 0)
      onProblem(`The address says ${unread.join(' and ')}, which can’t be used: the usual value stands in its place.`)
    addEventListener('popstate', read)
    return () => removeEventListener('popstate', read)
  }, [told, images, show, onProblem])
}

/**
 * Writes what is shown into the address and the browser's history.
 * @param address null as long as somebody else writes it
 */
export function useWrittenHistory(told: Told, view: ViewName, picture: Picture | null, address: string | null): void {
  useEffect(() => {
    if (!picture) return
    if (address === null) {
      // Whatever comes next is somewhere else.
      told.current = { view, name: '', at: 0 }
      return
    }
    const tell = () => {
      const { name } = picture
      const before = told.current
      // Back leads to the view and the picture before, but not to each that the keys went over.
      const isMove = before !== null && (before.view !== view || before.name !== name)
      const isQuick = before !== null && before.view === view && performance.now() - before.at < stay
      told.current = { view, name, at: performance.now() }
      // What no address can hold, a picture of one's own, is kept beside it.
      const held = picture.index === null ? picture : null
      if (isMove && !isQuick) history.pushState(held, '', location.pathname + address)
      // Where Back has just led: writing that again would stop a second Back that is on its way.
      else if (held !== null || history.state !== null || address !== location.search)
        history.replaceState(held, '', location.pathname + address)
    }
    const isDrawn = picture.index === null && told.current?.name === picture.name
    if (!isDrawn) return tell()
    // Browsers take only so many changes a second.
    const timer = setTimeout(tell, 300)
    return () => clearTimeout(timer)
  }, [told, picture, view, address])
}

/** A picture of one's own that an entry of the history holds; null where it holds none. */
function heldPicture(state: unknown): Picture | null {
  const { pixels } = (state ?? {}) as { pixels?: unknown }
  const [height, width] = task.inputShape
  return pixels instanceof Uint8Array && pixels.length === height * width ? (state as Picture) : null
}
