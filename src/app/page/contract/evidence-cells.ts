import { imageExtent } from '../../tasks/fashion-mnist/files.ts'

/** The cell a pixel lies in, where cells of a regular grid are numbered row by row: as lime's `grid` numbers its segments. */
export function cellOf(pixel: number, rows: number, columns: number): number {
  const [y, x] = [Math.floor(pixel / imageExtent), pixel % imageExtent]
  return Math.floor((y * rows) / imageExtent) * columns + Math.floor((x * columns) / imageExtent)
}

/** Where a cell is, in words; counted from 1. */
export function placeOfCell(cell: number, columns: number): string {
  return `row ${Math.floor(cell / columns) + 1}, column ${(cell % columns) + 1}`
}
