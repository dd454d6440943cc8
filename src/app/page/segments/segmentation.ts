import { mostSegments } from '../../../lime/explainers/subject.ts'
import { count } from '../number-format.ts'
import type { Extent } from '../pictures/lines.ts'
import type { Area } from './areas.ts'
import { halvesOf, partsOf, piecesOf, pixelsOf } from './parts.ts'

/**
 * What a person does to segments. Segments keep their ids; a new one takes the next that is free; one without pixels is no more.
 * Each edit gives another segmentation and says what it did; where it does nothing, it gives the same and says why.
 */

/** The segments of a picture. Nothing in it changes. */
export interface Segmentation {
  /** The segment's id of each pixel, [height * width]. */
  readonly labels: Int32Array
  /** The segments that a person made; the others are a segmenter's. */
  readonly own: ReadonlySet<number>
}

export interface Edit {
  readonly after: Segmentation
  /** A sentence for people. */
  readonly says: string
}

/** A grey picture holds ids up to this one: beyond it, ids that were given up are taken again. */
const mostGreyId = 65_535

/** Segment -> pixels. */
export function areasOf(labels: Int32Array): Map<number, number> {
  const areas = new Map<number, number>()
  for (const id of labels) areas.set(id, (areas.get(id) ?? 0) + 1)
  return areas
}

/** A map as it is given: a segment that has a pixel which the segmenter's of that id has not is a person's own. */
export function segmentationOf(labels: Int32Array, automatic: Int32Array): Segmentation {
  return { labels, own: new Set(labels.filter((id, pixel) => automatic[pixel] !== id)) }
}

/** What is drawn becomes a new segment. */
export function drawn(before: Segmentation, area: Area): Edit {
  const within = area.reduce((sum, inside) => sum + inside, 0)
  if (within === 0) return { after: before, says: 'Nothing was drawn: draw around something, or over it.' }
  const first = before.labels[area.indexOf(1)]
  const isThatAlready = before.labels.every((id, pixel) => (id === first) === (area[pixel] === 1))
  if (isThatAlready) return { after: before, says: `That is segment ${first} already.` }
  const id = freeIds(before.labels).next().value
  const labels = before.labels.map((old, pixel) => (area[pixel] === 1 ? id : old))
  return checked(before, labels, [id], `Segment ${id} is drawn.`)
}

/** What is drawn becomes part of a segment there is. */
export function joined(before: Segmentation, area: Area, id: number): Edit {
  const labels = before.labels.map((old, pixel) => (area[pixel] === 1 ? id : old))
  if (isSame(labels, before.labels)) return { after: before, says: `All of that is in segment ${id} already.` }
  return checked(before, labels, [id], `Segment ${id} has grown.`)
}

/** Two segments become one, with the second's id. They need not touch. */
export function merged(before: Segmentation, from: number, into: number): Edit {
  if (from === into) return { after: before, says: `Segment ${into} is one already.` }
  const labels = before.labels.map((id) => (id === from ? into : id))
  return checked(before, labels, [into], `Segments ${into} and ${from} are one: ${into}.`)
}

/**
 * Splits a segment: into its parts, where it lies in several places; else in two halves, across the longer of its axes. The
 * largest part, or the first half, keeps the id.
 */
export function split(before: Segmentation, id: number, extent: Extent): Edit {
  const pixels = pixelsOf(before.labels, id)
  if (pixels.length < 2) return { after: before, says: `Segment ${id} is one pixel: it can’t be split.` }
  const parts = partsOf(pixels, extent)
  const pieces = parts.length > 1 ? parts : halvesOf(pixels, extent.width)
  const ids = [id]
  const free = freeIds(before.labels)
  const labels = before.labels.slice()
  for (const piece of pieces.slice(1)) {
    const newId = free.next().value
    ids.push(newId)
    for (const pixel of piece) labels[pixel] = newId
  }
  return checked(before, labels, ids, `Segment ${id} is split: ${listed(ids)}.`)
}

/** Cuts all segments that a line parts; of each, the largest piece keeps the id. One that the line ends in stays whole. */
export function cut(before: Segmentation, line: Area, extent: Extent): Edit {
  const crossed = new Set(before.labels.filter((_, pixel) => line[pixel] === 1))
  const labels = before.labels.slice()
  const free = freeIds(labels)
  const parted = new Set<number>()
  const made: number[] = []
  for (const id of crossed)
    for (const part of partsOf(pixelsOf(before.labels, id), extent)) {
      if (!part.some((pixel) => line[pixel] === 1)) continue
      const [, ...pieces] = piecesOf(part, line, extent)
      for (const piece of pieces) {
        const newId = free.next().value
        parted.add(id)
        made.push(newId)
        for (const pixel of piece) labels[pixel] = newId
      }
    }
  if (made.length === 0)
    return { after: before, says: 'Nothing was cut: a line cuts the segments that it crosses from edge to edge.' }
  const [id, ...others] = parted
  const says =
    others.length === 0
      ? `Segment ${id} is cut: ${listed([id, ...made])}.`
      : `${parted.size} segments are cut: ${listed(made)} are new.`
  return checked(before, labels, [...parted, ...made], says)
}

/** All that a segmenter made, and no person, becomes one segment, with the lowest of its ids. */
export function restJoined(before: Segmentation): Edit {
  const rest = idsLeft(before)
  if (rest.length < 2) return { after: before, says: 'What is left is one segment already.' }
  const id = Math.min(...rest)
  const labels = before.labels.map((old) => (before.own.has(old) ? old : id))
  return checked(before, labels, [], `What is left is segment ${id}.`)
}

/** All segments are others now: those of a file, or a segmenter's. */
export function replaced(before: Segmentation, labels: Int32Array, automatic: Int32Array): Edit {
  if (isSame(labels, before.labels)) return { after: before, says: 'These are the segments already.' }
  const { size } = new Set(labels)
  if (size > mostSegments) return { after: before, says: tooMany(size) }
  const after = segmentationOf(labels, automatic)
  return { after, says: size === 1 ? 'It is one segment now.' : `There are ${size} segments now.` }
}

/** The segments that no person made. */
export function idsLeft({ labels, own }: Segmentation): number[] {
  return Array.from(new Set(labels)).filter((id) => !own.has(id))
}

/** Ids that are not in use: those after the highest, in order. */
function* freeIds(labels: Int32Array): Generator<number, never> {
  const used = new Set(labels)
  let next = 0
  for (const id of used) next = Math.max(next, id + 1)
  for (; next <= mostGreyId; next++) {
    used.add(next)
    yield next
  }
  for (let id = 0; ; id++) if (!used.has(id)) yield id
}

/** An edit that made or changed these segments, unless there are more then than can be explained. */
function checked(before: Segmentation, labels: Int32Array, changed: readonly number[], says: string): Edit {
  const ids = new Set(labels)
  if (ids.size > mostSegments) return { after: before, says: tooMany(ids.size) }
  const own = new Set([...before.own, ...changed].filter((id) => ids.has(id)))
  return { after: { labels, own }, says }
}

function tooMany(segments: number): string {
  return `That would be ${count(segments)} segments: at most ${count(mostSegments)} can be explained.`
}

function isSame(a: Int32Array, b: Int32Array): boolean {
  return a.every((value, i) => value === b[i])
}

/** "3, 7 and 12"; of many, the first. */
function listed(ids: readonly number[]): string {
  const most = 6
  const more = ids.length - most
  if (more > 0) return `${ids.slice(0, most).join(', ')} and ${more} more`
  return ids.length < 2 ? ids.join() : `${ids.slice(0, -1).join(', ')} and ${ids[ids.length - 1]}`
}
