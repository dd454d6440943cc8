import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LimelightError } from '../../engine/errors.ts'
import { type LoadOptions, loadModel, localFile, modelIn } from '../../engine/facade/load-model.ts'
import type { Model } from '../../engine/facade/model.ts'
import type { ModelFiles } from '../../engine/formats/model-files.ts'
import type { Stated } from '../../engine/formats/opened-model.ts'
import { catalogue } from '../catalogue/known-networks.ts'
import type { StoredModelFiles } from '../catalogue/model-store.ts'
import { tutorialArchitecture } from '../networks/tutorial.ts'
import { parseClassNames } from '../tasks/class-names.ts'
import { readInput } from './input-file.ts'

/** A model's file, and those beside it that belong to it, read and not yet on a device. */
export interface ReadModelFile {
  readonly path: string
  readonly model: Model
  /** Paths of all that was read: the model's first, the others by their names. */
  readonly files: readonly string[]
  /** Of all files. */
  readonly bytes: number
  /** SHA-256 of all files, one after the other. */
  readonly digest: string
}

export type ReadModelOptions = Pick<LoadOptions, 'inputShape'>

/**
 * A file of any format, or a network of the catalogue by its name. Files without an architecture are taken for weights of the
 * tutorial's network.
 * @param download gets a network of the catalogue
 */
export async function readNamedModel(
  given: string,
  options: ReadModelOptions,
  download: (name: string) => Promise<StoredModelFiles>,
): Promise<ReadModelFile> {
  const isName = Object.hasOwn(catalogue, given) && !existsSync(given)
  if (!isName) return readModelAt(given, options)
  const { images, model: path } = await download(given)
  const read = await readModelAt(path, options)
  read.model.images = { ...read.model.images, ...images }
  return read
}

async function readModelAt(given: string, options: ReadModelOptions): Promise<ReadModelFile> {
  const path = await modelIn(given).catch((cause) => {
    if (cause instanceof LimelightError) throw new LimelightError(`${given}: ${cause.message}`, { cause })
    throw cause
  })
  return readInput(path, (bytes) => readModelFrom(path, localFile(path, bytes), options))
}

/** @param path where its files lie, for people */
export async function readModelFrom(
  path: string,
  own: ModelFiles,
  { inputShape }: ReadModelOptions,
): Promise<ReadModelFile> {
  const beside = new Map<string, Uint8Array>()
  const noted: ModelFiles = {
    ...own,
    async beside(name) {
      const content = await own.beside(name)
      if (content) beside.set(join(dirname(path), name), content)
      return content
    },
  }
  const model = await loadModel(noted, { fallback: tutorialArchitecture(0), inputShape })
  const files = [path, ...[...beside.keys()].sort()]
  const contents = files.map((file) => beside.get(file) ?? own.bytes)
  const hash = createHash('sha256')
  for (const content of contents) hash.update(content)
  return {
    path,
    model,
    files,
    bytes: contents.reduce((sum, content) => sum + content.byteLength, 0),
    digest: hash.digest('hex'),
  }
}

/** Class names from a file. @param source what tells where they are from, for people */
export async function classNamesIn(file: string, source: string): Promise<Stated<readonly string[]>> {
  const value = await readInput(file, (bytes) => parseClassNames(new TextDecoder().decode(bytes)))
  return { value, source }
}

/** A list of names that lies beside a model under its name: net.labels.txt beside net.onnx. */
export async function namesBeside(modelPath: string): Promise<Stated<readonly string[]> | undefined> {
  const file = `${modelPath.replace(/\.[^./]+$/, '')}.labels.txt`
  return existsSync(file) ? classNamesIn(file, `${file}, beside the model`) : undefined
}
