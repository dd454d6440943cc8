import { task } from '../../tasks/chosen-task.ts'

const [height, width] = task.inputShape

/** The cell a pixel lies in, where cells of a regular grid are numbered row by row: as lime's `grid` numbers its segments. */
export function cellOf(pixel: number, rows: number, columns: number): number {
  const [y, x] = [Math.floor(pixel / width), pixel % width]
  return Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width)
}

/** Where a cell is, in words; counted from 1. */
export function placeOfCell(cell: number, columns: number): string {
  return `row ${Math.floor(cell / columns) + 1}, column ${(cell % columns) + 1}`
}
