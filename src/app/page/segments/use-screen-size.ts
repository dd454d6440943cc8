import type { RefObject } from 'preact'
import { useLayoutEffect, useState } from 'preact/hooks'
import type { Extent } from '../pictures/lines.ts'

/** How many of the screen's own pixels an element covers: more than the style sheet's on a fine screen, or when the page is enlarged. */
export function useScreenSize(element: RefObject<Element | null>): Extent {
  const [size, setSize] = useState<Extent>({ height: 1, width: 1 })
  useLayoutEffect(() => {
    if (!element.current) return
    const observer = new ResizeObserver(([{ contentRect }]) => {
      const onScreen = (length: number) => Math.max(1, Math.round(length * devicePixelRatio))
      setSize({ height: onScreen(contentRect.height), width: onScreen(contentRect.width) })
    })
    // This box also changes when the page is enlarged or moves to another screen. Safari has none.
    try {
      observer.observe(element.current, { box: 'device-pixel-content-box' })
    } catch {
      observer.observe(element.current)
    }
    return () => observer.disconnect()
  }, [element])
  return size
}
