import * as v from 'valibot'
import { flag, oneOf, parsed, text, thatIs, wholeNumber } from '../../engine/arguments.ts'
import { FormatError } from '../../engine/errors.ts'
import { type ExplanationRequest, explanationRequest } from '../../lime/index.ts'
import { type RunSettings, runNameOf } from '../batch/run-settings.ts'
import type { RunDevice, RunModel } from './run.ts'

/**
 * A run that is planned: `run.json` in its output. Complete, with the model's digest and the list of its images, so that whoever
 * computes a shard needs nothing else.
 */
export interface PlannedRun {
  readonly version: 1
  /** Version of the program that planned it. Another may have other numbers, and is refused. */
  readonly program: string
  readonly request: ExplanationRequest
  /** 'predicted-and-true': no labels are asked for, and each image is explained for the predicted class and, where known, the true one. */
  readonly labels: 'asked' | 'predicted-and-true'
  readonly model: RunModel & { readonly sha256: string }
  readonly images: ImageList
  readonly shardSize: number
  readonly format: 'parquet' | 'jsonl'
  readonly device: Required<RunDevice>
  readonly output: string
}

/** The images in their order: a range of the test set, or a file of lines in the output. */
export type ImageList =
  | { readonly kind: 'test-set'; readonly first: number; readonly count: number }
  | {
      readonly kind: 'list'
      /** Where their paths begin: a folder, or s3://bucket/prefix/. */
      readonly root: string
      readonly count: number
      /** The file, in the output. */
      readonly name: string
      /** SHA-256 of the file. */
      readonly sha256: string
      /** Where each shard's lines begin in it, in bytes; and its end. */
      readonly offsets: readonly number[]
    }

/** An image of a run. */
export interface RunImage {
  /** Unique in the run. */
  readonly id: string
  /** From the list's root, with slashes. */
  readonly path?: string
  /** In the test set. */
  readonly index?: number
  /** Its true class, as whoever made the list calls it. */
  readonly label?: string
  /** Of the file, in bytes, where that was cheap to know. */
  readonly size?: number
}

export const plannedRunName = 'run.json'

/**
 * What decides the results: not where the model, the images and the output lie, which may be another place on another machine.
 */
export function settingsOfRun({ version: _, program, model, images, output: __, ...others }: PlannedRun): RunSettings {
  const { source: ___, sha256, ...pixels } = model
  const listed =
    images.kind === 'list'
      ? { count: images.count, sha256: images.sha256 }
      : { first: images.first, count: images.count }
  return { version: program, model: sha256, pixels, images: listed, ...others }
}

/** Names the run: 16 hexadecimal digits. */
export function hashOfRun(run: PlannedRun): string {
  return runNameOf(settingsOfRun(run))
}

/** How many shards it has: they are numbered from 0. */
export function shardsOf({ images, shardSize }: Pick<PlannedRun, 'images' | 'shardSize'>): number {
  return Math.ceil(images.count / shardSize)
}

/** Whether all who compute get the same bits, so that what they publish can be compared. */
export function hasEqualBits({ device }: Pick<PlannedRun, 'device'>): boolean {
  return device.name !== 'webgpu' && device.arithmetic === 'strict'
}

export function plannedRunText(run: PlannedRun): string {
  return `${JSON.stringify({ run: hashOfRun(run), ...run }, null, 2)}\n`
}

const list = v.variant('kind', [
  v.object({ kind: v.literal('test-set'), first: wholeNumber(0), count: wholeNumber(1) }),
  v.object({
    kind: v.literal('list'),
    root: text,
    count: wholeNumber(1),
    // In the output, and nowhere else.
    name: thatIs<string>(
      'images.HASH.jsonl',
      (value) => typeof value === 'string' && /^images\.[\da-f]{16}\.jsonl$/.test(value),
    ),
    sha256: text,
    offsets: v.array(wholeNumber(0)),
  }),
])

const planned = v.object({
  run: text,
  version: oneOf(1),
  program: text,
  request: v.looseObject({ version: oneOf(1), method: text }),
  labels: oneOf('asked', 'predicted-and-true'),
  model: v.looseObject({ source: text, sha256: text }),
  images: list,
  shardSize: wholeNumber(1),
  format: oneOf('parquet', 'jsonl'),
  device: v.object({
    name: oneOf('cpu', 'webgpu', 'reference'),
    arithmetic: oneOf('strict', 'relaxed'),
    convolution: oneOf('auto', 'direct', 'winograd'),
    halfPrecision: flag,
  }),
  output: text,
})

/**
 * Reads a run.json.
 * @param place for people
 * @throws FormatError for anything else: the file may be anybody's
 */
export function readPlannedRun(place: string, content: Uint8Array): PlannedRun {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(content))
  } catch {
    throw new FormatError(`${place} is not JSON: it is no planned run`)
  }
  const { run: name, ...found } = parsed(place, planned, value)
  // Its own hash vouches for what the schema leaves open.
  const run: PlannedRun = { ...found, request: explanationRequest(found.request) }
  if (hashOfRun(run) !== name)
    throw new FormatError(`${place} was changed after the run was planned: its hash is ${hashOfRun(run)}, not ${name}`)
  return run
}
