import { basename, dirname } from 'node:path'
import { ArgumentError, FormatError, LimelightError } from '../../engine/errors.ts'
import type { Model } from '../../engine/facade/model.ts'
import { insideFolder } from '../../engine/formats/model-files.ts'
import type { ExplanationRequest } from '../../lime/index.ts'
import { modelFromCatalogue } from '../catalogue/model-store.ts'
import { namesBeside, type ReadModelFile, readModelFrom, readNamedModel } from '../inputs/model-file.ts'
import { task as testTask } from '../tasks/chosen-task.ts'
import { type PictureTask, pictureModel, pictureTask, statedImages } from '../tasks/picture-task.ts'
import { classNamesOf, isFor } from '../tasks/task.ts'
import { openBucket } from './bucket.ts'
import { bucketAddress, isBucketAddress } from './bucket-address.ts'
import type { ObjectCache } from './object-cache.ts'
import type { RunModel } from './run.ts'

/** The network of a run, read and not yet on a device. */
export interface RunNetwork {
  /** For pictures as they are here. */
  readonly model: Model
  /** SHA-256 of its files. */
  readonly digest: string
  /** What photographs are to it; null where it is asked about test images. */
  readonly task: PictureTask | null
  /** How many it tells apart; null where nothing tells. */
  readonly classCount: number | null
  /** What its classes are called, by number; null where nobody knows. */
  readonly classNames: readonly string[] | null
}

/**
 * Reads the network of a run, from where the run says.
 * @throws LimelightError where it can't be had, is another than the run says, or takes no such images; StoreError
 */
export async function readRunNetwork(
  { model: given, isOfTestSet }: { readonly model: RunModel; readonly isOfTestSet: boolean },
  cache: ObjectCache,
): Promise<RunNetwork> {
  const read = await readFiles(given, cache)
  const { model, digest, path } = read
  if (given.sha256 !== undefined && given.sha256 !== digest)
    throw new LimelightError(
      `the model at ${given.source} is another than the run's: its SHA-256 is ${digest}, expected ${given.sha256}`,
    )
  if (isOfTestSet) {
    if (model.inputShape.join() !== testTask.inputShape.join())
      throw new ArgumentError(
        `the model takes images of ${model.inputShape.join(' x ')}; those of the test set are of ${testTask.inputShape.join(' x ')}`,
      )
    const classNames = classNamesOf(testTask, model)
    return { model, digest, task: null, classCount: classNames.length, classNames }
  }
  const task = await pictureTaskOf(model, path, given)
  const { classes: classCount, classNames } = task
  return { model: pictureModel(model, task), digest, task, classCount, classNames: classNames?.value ?? null }
}

/** Whether test images' labels are the network's classes. */
export function knowsTestLabels({ model, task }: RunNetwork): boolean {
  return task === null && isFor(testTask, model)
}

/** Which label that a request asks for is no class of the network, in words; null where all are, and where nothing tells how many it has. */
export function missingLabel(
  { labels = [] }: Pick<ExplanationRequest, 'labels'>,
  { classCount }: RunNetwork,
): string | null {
  const none = labels.find((label) => classCount !== null && label >= classCount)
  return none === undefined
    ? null
    : `the run's request asks for the label ${none}, and its network has ${classCount} classes, from 0`
}

async function pictureTaskOf(model: Model, path: string, given: RunModel): Promise<PictureTask> {
  const beside = isBucketAddress(path) ? undefined : await namesBeside(path)
  const images = { ...statedImages(model), ...(beside && { classNames: beside }) }
  const { classNames, ...options } = given
  return pictureTask(model, images, {
    ...options,
    ...(classNames && { classNames: { value: classNames, source: 'classNames of the run' } }),
  })
}

function readFiles(given: RunModel, cache: ObjectCache): Promise<ReadModelFile> {
  if (isBucketAddress(given.source)) return readFromBucket(given, cache)
  return readNamedModel(given.source, given, (name) => modelFromCatalogue(name))
}

/** Files in a bucket are fetched anew where the run does not know their digest yet: they may have been changed. */
async function readFromBucket(given: RunModel, cache: ObjectCache): Promise<ReadModelFile> {
  const { source, sha256 } = given
  const { bucket: name, key } = bucketAddress(source)
  const bucket = await openBucket(name)
  const fetched = (own: string) => {
    const whole = () => bucket.whole(own)
    return sha256 === undefined ? whole() : cache.get(`${sha256} s3://${name}/${own}`, whole)
  }
  const bytes = await fetched(key)
  if (!bytes) throw new FormatError(`${source}: there is no such object`)
  const folder = key.includes('/') ? `${dirname(key)}/` : ''
  const own = { name: basename(key), bytes, beside: (path: string) => fetched(folder + insideFolder(path)) }
  return readModelFrom(source, own, given).catch((cause: unknown) => {
    if (cause instanceof LimelightError) throw new LimelightError(`${source}: ${cause.message}`, { cause })
    throw cause
  })
}
