import { FormatError } from '../../engine/errors.ts'

export interface PngHeader {
  readonly width: number
  readonly height: number
  /** Bits a sample. */
  readonly depth: number
  readonly samples: 1 | 2 | 3 | 4
  readonly isIndexed: boolean
  readonly isInterlaced: boolean
}

/** A picture of its own inside the picture: where it starts, and how far apart its pixels are. */
interface Pass {
  readonly x: number
  readonly y: number
  readonly stepX: number
  readonly stepY: number
  readonly columns: number
  readonly rows: number
}

const adam7 = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
]

/** The one pass of a plain file; of an interlaced one those of Adam7 that have pixels. */
export function passesOf({ width, height, isInterlaced }: PngHeader): Pass[] {
  return (isInterlaced ? adam7 : [{ x: 0, y: 0, stepX: 1, stepY: 1 }])
    .map((pass) => ({
      ...pass,
      columns: Math.ceil((width - pass.x) / pass.stepX),
      rows: Math.ceil((height - pass.y) / pass.stepY),
    }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0)
}

/** How many bytes a row of so many pixels has, without the one that names its filter. */
export function rowBytes({ samples, depth }: PngHeader, columns: number): number {
  return Math.ceil((columns * samples * depth) / 8)
}

/**
 * Undoes a row's filter in place.
 * @param line the row, led by the byte that names its filter
 * @param above the row before it, its filter undone; zeros before the first
 */
export function unfilter(line: Uint8Array, above: Uint8Array, { samples, depth }: PngHeader): void {
  const back = Math.max(1, (samples * depth) >> 3)
  const [filter] = line
  switch (filter) {
    case 0:
      return
    case 1:
      for (let i = 1 + back; i < line.length; i++) line[i] += line[i - back]
      return
    case 2:
      for (let i = 1; i < line.length; i++) line[i] += above[i]
      return
    case 3:
      for (let i = 1; i < line.length; i++) line[i] += ((i > back ? line[i - back] : 0) + above[i]) >> 1
      return
    case 4:
      for (let i = 1; i < line.length; i++)
        line[i] += i > back ? nearest(line[i - back], above[i], above[i - back]) : above[i]
      return
    default:
      throw new FormatError(`the PNG is corrupt: a row has the filter ${filter}, which the format does not know`)
  }
}

/** Of three neighbours the one nearest to left + up - corner: Paeth's predictor. */
function nearest(left: number, up: number, corner: number): number {
  const estimate = left + up - corner
  const [fromLeft, fromUp, fromCorner] = [
    Math.abs(estimate - left),
    Math.abs(estimate - up),
    Math.abs(estimate - corner),
  ]
  if (fromLeft <= fromUp && fromLeft <= fromCorner) return left
  return fromUp <= fromCorner ? up : corner
}
