import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Device } from '../../engine/device.ts'
import { LimelightError } from '../../engine/errors.ts'
import { type LoadOptions, loadModel, localFile, modelIn } from '../../engine/facade/load-model.ts'
import type { Model } from '../../engine/facade/model.ts'
import { catalogue } from '../catalogue/known-networks.ts'
import { modelFromCatalogue } from '../catalogue/model-store.ts'
import { tutorialArchitecture } from '../networks/tutorial.ts'
import { storeReporter } from './data-set.ts'
import { readInput } from './input-file.ts'
import { type DeviceOptions, openDeviceFor } from './options.ts'

export interface OpenModel {
  readonly model: Model
  /** SHA-256 of the model's file. */
  readonly digest: string
  readonly device: Device
  dispose(): void
}

/** A model's file, read and not yet on a device. */
export interface ReadModelFile {
  readonly path: string
  readonly model: Model
  readonly bytes: Uint8Array
  readonly digest: string
}

/**
 * A file of any format, or a network of the catalogue by its name. Files without an architecture are taken for weights of the
 * tutorial's network.
 */
export async function readModelFile(
  given: string,
  options: Pick<LoadOptions, 'inputShape'> = {},
): Promise<ReadModelFile> {
  const isName = Object.hasOwn(catalogue, given) && !existsSync(given)
  if (!isName) return readFileOf(given, options)
  const { entry, model: path } = await modelFromCatalogue(given, storeReporter)
  const read = await readFileOf(path, options)
  read.model.images = { ...read.model.images, ...entry.images }
  return read
}

async function readFileOf(given: string, { inputShape }: Pick<LoadOptions, 'inputShape'>): Promise<ReadModelFile> {
  const path = await modelIn(given).catch((cause) => {
    if (cause instanceof LimelightError) throw new LimelightError(`${given}: ${cause.message}`, { cause })
    throw cause
  })
  return readInput(path, async (bytes) => ({
    path,
    model: await loadModel(localFile(path, bytes), { fallback: tutorialArchitecture(0), inputShape }),
    bytes,
    digest: createHash('sha256').update(bytes).digest('hex'),
  }))
}

/** Reads a model and puts it on a device. */
export async function openModel(path: string, options: DeviceOptions): Promise<OpenModel> {
  const { model, digest } = await readModelFile(path)
  const device = await openDeviceFor(options)
  const dispose = () => {
    model.dispose()
    device.dispose()
  }
  try {
    await model.compile({ device, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
    return { model, digest, device, dispose }
  } catch (error) {
    dispose()
    throw error
  }
}

/** What results say of the device that computed them. */
export function deviceOf({ info }: Device): { readonly name: string; readonly adapter: string } {
  return { name: info.kind, adapter: info.adapter }
}
