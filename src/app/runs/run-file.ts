import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import * as v from 'valibot'
import {
  check,
  finiteNumber,
  flag,
  listOf,
  oneOf,
  optionsOf,
  positiveNumber,
  text,
  thatIs,
  wholeNumber,
} from '../../engine/arguments.ts'
import { ArgumentError, FormatError } from '../../engine/errors.ts'
import { outputKinds } from '../../engine/model/picture-network.ts'
import { explanationRequest } from '../../lime/index.ts'
import { catalogue } from '../catalogue/known-networks.ts'
import { readInput } from '../inputs/input-file.ts'
import { segmentedIn } from '../photographs/photograph-segments.ts'
import { isBucketAddress } from './bucket-address.ts'
import type { Run, RunDevice, RunImages, RunModel } from './run.ts'

/** RUN.json: what people write down, read and checked. */

export const leastShard = 256
export const mostShard = 4096
export const usualShard = 1024

const named = thatIs<string>('a text that is not empty', (value) => typeof value === 'string' && value.trim() !== '')
const numbers = listOf('a list of numbers', finiteNumber)
const names = listOf('a list of texts', text)
const digest = thatIs<string>(
  'a SHA-256, 64 hexadecimal digits',
  (value) => typeof value === 'string' && /^[\da-f]{64}$/.test(value),
)

const model = optionsOf<RunModel>(
  {
    source: named,
    sha256: digest,
    inputShape: listOf('a list of positive integers', wholeNumber(1)),
    scale: finiteNumber,
    mean: numbers,
    std: listOf('a list of numbers > 0', positiveNumber()),
    bgr: flag,
    output: oneOf(...outputKinds),
    classNames: names,
    fit: oneOf('squash', 'crop'),
    segmentIn: oneOf(...segmentedIn),
  },
  'source',
)

const device = optionsOf<RunDevice>(
  {
    name: oneOf('cpu', 'webgpu', 'reference'),
    arithmetic: oneOf('strict', 'relaxed'),
    convolution: oneOf('auto', 'direct', 'winograd'),
    halfPrecision: flag,
  },
  'name',
)

type Source = RunImages['source']
type ImagesOf<S extends Source> = Extract<RunImages, { readonly source: S }>

const images = {
  'test-set': optionsOf<ImagesOf<'test-set'>>(
    { source: text, first: wholeNumber(0), end: wholeNumber(1) },
    'first',
    'end',
  ),
  folder: optionsOf<ImagesOf<'folder'>>({ source: text, folder: named }, 'folder'),
  glob: optionsOf<ImagesOf<'glob'>>({ source: text, folder: named, pattern: named }, 'folder', 'pattern'),
  manifest: optionsOf<ImagesOf<'manifest'>>({ source: text, manifest: named }, 'manifest'),
  s3: optionsOf<ImagesOf<'s3'>>({ source: text, prefix: named }, 'prefix'),
} as const satisfies Record<Source, unknown>

const sources = Object.keys(images) as readonly Source[]

const anObject = thatIs<object>('an object', (value) => typeof value === 'object' && value !== null)

const run = optionsOf<Run>(
  {
    version: oneOf(1),
    request: anObject,
    model,
    images: v.looseObject({ source: oneOf(...sources) }),
    shardSize: wholeNumber(leastShard, mostShard),
    output: named,
    format: oneOf('parquet', 'jsonl'),
    device,
  },
  'version',
  'request',
  'model',
  'images',
  'output',
)

/** @throws ArgumentError that names what is wrong, what was given and what was expected */
function checkRun(value: unknown): asserts value is Run {
  check('the run', run, value, 'run')
  const { images: given, request } = value as Pick<Run, 'images' | 'request'>
  // What depends on the network is found when the run is planned.
  explanationRequest(request)
  check(`images from ${given.source}`, images[given.source], given)
  if (given.source === 'test-set' && given.end <= given.first)
    throw new ArgumentError(`images from test-set: end must be above first, ${given.first}, not ${given.end}`)
  if (given.source === 's3' && !isBucketAddress(given.prefix))
    throw new ArgumentError(`images from s3: prefix must be s3://bucket/prefix, not ${JSON.stringify(given.prefix)}`)
}

/**
 * A run as plain data, checked, its paths made absolute.
 * @param folder that paths are in which are not absolute
 * @throws ArgumentError
 */
export function runFrom(value: unknown, folder: string): Run {
  checkRun(value)
  const placed = (path: string) => (isBucketAddress(path) ? path : resolve(folder, path))
  const { source } = value.model
  const isName = Object.hasOwn(catalogue, source) && !existsSync(placed(source))
  return {
    ...value,
    model: { ...value.model, source: isName ? source : placed(source) },
    images: placedImages(value.images, placed),
    output: placed(value.output),
  }
}

function placedImages(given: RunImages, placed: (path: string) => string): RunImages {
  switch (given.source) {
    case 'folder':
    case 'glob':
      return { ...given, folder: placed(given.folder) }
    case 'manifest':
      return { ...given, manifest: placed(given.manifest) }
    default:
      return given
  }
}

/** @throws LimelightError for a file that can't be read, ArgumentError for what is wrong in it */
export function readRunFile(path: string): Promise<Run> {
  return readInput(path, (bytes) => {
    let value: unknown
    try {
      value = JSON.parse(new TextDecoder().decode(bytes))
    } catch (error) {
      throw new FormatError(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`)
    }
    return runFrom(value, dirname(resolve(path)))
  })
}
