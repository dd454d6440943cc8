/**
 * What a run says, as a table: a row for each image and class that was explained, or one with an error for an image that could not be.
 * The same columns in Parquet and in JSON lines; docs/scale.md has them for people.
 */

/** A change of what a column means or holds makes another version; a further column does not. */
export const schemaVersion = 1

export interface ResultRow {
  readonly run: string
  readonly id: string
  readonly path: string | null
  /** The image's true class as the list has it, and its number among the network's, where it is known. */
  readonly label: string | null
  readonly label_index: number | null
  /** Place among the image's rows. */
  readonly position: number
  /** The class explained. */
  readonly class_index: number | null
  readonly class_name: string | null
  readonly predicted: number | null
  readonly predicted_name: string | null
  /** What the network says of the image, a number a class. */
  readonly probabilities: readonly number[] | null
  readonly method: string
  /** What the class gets with all segments hidden, by the surrogate or, of Shapley values, by the network. */
  readonly intercept: number | null
  /** The surrogate's weighted R². */
  readonly r2: number | null
  /** By segment; null for one that the method left out. */
  readonly weights: readonly (number | null)[] | null
  /** The weights' 95 % confidence intervals, by segment, where the method has any. */
  readonly weights_low: readonly (number | null)[] | null
  readonly weights_high: readonly (number | null)[] | null
  /** A PNG, as wide and high as what the network sees: the level of a pixel is its segment's number. */
  readonly segments: Uint8Array | null
  readonly segment_count: number | null
  readonly height: number | null
  readonly width: number | null
  readonly samples: number | null
  /** The image's own seeds: `limelight explain` with these gives the same. */
  readonly random_state: number | null
  readonly random_seed: number
  readonly warnings: readonly string[]
  readonly error: string | null
  /** Of the whole image, and its parts. */
  readonly seconds: number
  readonly seconds_segmentation: number | null
  readonly seconds_prediction: number | null
  readonly seconds_fit: number | null
  readonly device: string
  /** Version of Limelight. */
  readonly program: string
}

export type ColumnKind = 'text' | 'int32' | 'int64' | 'double' | 'doubles' | 'texts' | 'bytes'

export interface Column {
  readonly kind: ColumnKind
  readonly required?: true
  /** Whether it differs from one computation to the next: it is no part of a shard's content then. */
  readonly varies?: true
}

/** In the order of the file. */
export const columns: { readonly [Name in keyof ResultRow]: Column } = {
  run: { kind: 'text', required: true },
  id: { kind: 'text', required: true },
  path: { kind: 'text' },
  label: { kind: 'text' },
  label_index: { kind: 'int32' },
  position: { kind: 'int32', required: true },
  class_index: { kind: 'int32' },
  class_name: { kind: 'text' },
  predicted: { kind: 'int32' },
  predicted_name: { kind: 'text' },
  probabilities: { kind: 'doubles' },
  method: { kind: 'text', required: true },
  intercept: { kind: 'double' },
  r2: { kind: 'double' },
  weights: { kind: 'doubles' },
  weights_low: { kind: 'doubles' },
  weights_high: { kind: 'doubles' },
  segments: { kind: 'bytes' },
  segment_count: { kind: 'int32' },
  height: { kind: 'int32' },
  width: { kind: 'int32' },
  samples: { kind: 'int32' },
  random_state: { kind: 'int64' },
  random_seed: { kind: 'int64', required: true },
  warnings: { kind: 'texts' },
  error: { kind: 'text' },
  seconds: { kind: 'double', required: true, varies: true },
  seconds_segmentation: { kind: 'double', varies: true },
  seconds_prediction: { kind: 'double', varies: true },
  seconds_fit: { kind: 'double', varies: true },
  device: { kind: 'text', required: true },
  program: { kind: 'text', required: true },
}

export type ColumnName = keyof ResultRow

export function isColumn(name: string): name is ColumnName {
  return Object.hasOwn(columns, name)
}

export const columnNames: readonly ColumnName[] = Object.keys(columns).filter(isColumn)
