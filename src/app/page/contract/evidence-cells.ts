import { task } from '../../tasks/chosen-task.ts'

const [height, width] = task.inputShape

export interface ClassEvidence {
  readonly label: number
  /** Images averaged: fewer than were asked for where the network gets fewer right, and perhaps none. */
  readonly count: number
  /** The images' mean, [height * width], 0 to 1. */
  readonly mean: Float32Array
  /** What a cell adds, the mean over the images, [cells] row by row. */
  readonly weights: Float64Array
  /** The share of the images whose own weight has the mean's sign, [cells], 0 to 1. */
  readonly agreement: Float64Array
}

/** Plain data, which can leave a Worker. */
export interface AverageEvidence {
  readonly rows: number
  readonly columns: number
  /** What is added to. */
  readonly of: 'logit' | 'probability'
  /** All classes, in the labels' order. */
  readonly classes: readonly ClassEvidence[]
}

/** The cell a pixel lies in, where cells of a regular grid are numbered row by row: as lime's `grid` numbers its segments. */
export function cellOf(pixel: number, rows: number, columns: number): number {
  const [y, x] = [Math.floor(pixel / width), pixel % width]
  return Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width)
}

/** Where a cell is, in words; counted from 1. */
export function placeOfCell(cell: number, columns: number): string {
  return `row ${Math.floor(cell / columns) + 1}, column ${(cell % columns) + 1}`
}
