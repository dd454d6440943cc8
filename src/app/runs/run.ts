import type { OutputKind } from '../../engine/model/picture-network.ts'
import type { RequestInput } from '../../lime/index.ts'

/**
 * A run, as people write it down in RUN.json: which images are explained, by what, how, and where the results go. Plain data: nothing
 * in it is executed. Paths that are not absolute are beside the file.
 */
export interface Run {
  readonly version: 1
  readonly request: RequestInput
  readonly model: RunModel
  readonly images: RunImages
  /** Images a shard, from 256 to 4096: 1024 unless given. */
  readonly shardSize?: number
  /** A folder, or s3://bucket/prefix. */
  readonly output: string
  /** 'parquet' unless given. */
  readonly format?: 'parquet' | 'jsonl'
  readonly device?: RunDevice
}

/** The network. What is said of its pictures stands in for what its file does not say, as with `limelight explain`. */
export interface RunModel {
  /** A file, s3://bucket/key, or a name that `limelight models` lists. */
  readonly source: string
  /** Of its file and those that belong to it, one after the other. Another model is refused. */
  readonly sha256?: string
  readonly inputShape?: readonly number[]
  readonly scale?: number
  readonly mean?: readonly number[]
  readonly std?: readonly number[]
  readonly bgr?: boolean
  readonly output?: OutputKind
  /** What its classes are called, by number. */
  readonly classNames?: readonly string[]
  /** How a photograph comes to the network's size: 'squash' unless given. */
  readonly fit?: 'squash' | 'crop'
  /** Where the segments of a photograph are looked for: 'network' unless given. */
  readonly segmentIn?: 'network' | 'photograph'
}

/** Where the images are from. */
export type RunImages =
  /** Test images of the tutorial's data set, first to end - 1. */
  | { readonly source: 'test-set'; readonly first: number; readonly end: number }
  /** The pictures in a folder and below. */
  | { readonly source: 'folder'; readonly folder: string }
  /** Those of them whose path in the folder a pattern matches. */
  | { readonly source: 'glob'; readonly folder: string; readonly pattern: string }
  /** A list, CSV or JSONL, with the columns id, path and (optionally) label; paths are in the list's folder, or below. */
  | { readonly source: 'manifest'; readonly manifest: string }
  /** The pictures of a bucket whose keys begin so: s3://bucket/prefix/. */
  | { readonly source: 's3'; readonly prefix: string }

/** What computes. Unless given it is the processor with strict arithmetic, which gives the same bits everywhere. */
export interface RunDevice {
  readonly name: 'cpu' | 'webgpu' | 'reference'
  readonly arithmetic?: 'strict' | 'relaxed'
  readonly convolution?: 'auto' | 'direct' | 'winograd'
  readonly halfPrecision?: boolean
}
