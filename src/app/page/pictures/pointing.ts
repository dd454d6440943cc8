import type { Extent, Point } from './lines.ts'

/** Where something is on a picture, whatever the picture's size on the screen. */

/** A pixel, by column and row. */
export interface Cell {
  readonly x: number
  readonly y: number
}

/** Pixels as a share of the picture's height or width. */
export function share(pixels: number, extent: number): string {
  return `${(pixels / extent) * 100}%`
}

/** What a mouse, a finger or a pen points at, in the picture's pixels; it may lie beyond the picture. */
export function pointIn(shown: Element, { clientX, clientY }: MouseEvent, { height, width }: Extent): Point {
  const { left, top, width: shownWidth, height: shownHeight } = shown.getBoundingClientRect()
  return { x: ((clientX - left) / shownWidth) * width, y: ((clientY - top) / shownHeight) * height }
}

/** The pixel a point lies in; of a point beyond the picture, the nearest. */
export function cellAt({ x, y }: Point, { height, width }: Extent): Cell {
  const within = (place: number, extent: number) => Math.min(extent - 1, Math.max(0, Math.floor(place)))
  return { x: within(x, width), y: within(y, height) }
}

export function middleOf({ x, y }: Cell): Point {
  return { x: x + 0.5, y: y + 0.5 }
}
