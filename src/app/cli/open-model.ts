import type { Device } from '../../engine/device.ts'
import type { Model } from '../../engine/facade/model.ts'
import type { CompileOptions } from '../../engine/facade/options.ts'
import { modelFromCatalogue, type StoredModelFiles } from '../catalogue/model-store.ts'
import { type ReadModelFile, type ReadModelOptions, readNamedModel } from '../inputs/model-file.ts'
import { storeReporter } from './data-set.ts'
import { type DeviceOptions, openDeviceFor } from './options.ts'
import { whileInterruptible } from './terminal.ts'

export interface OpenModel {
  readonly model: Model
  /** SHA-256 of the model's file, and of those that belong to it. */
  readonly digest: string
  readonly device: Device
  dispose(): void
}

/** A file of any format, or a network of the catalogue by its name, which is downloaded unless it is there. */
export function readModelFile(given: string, options: ReadModelOptions = {}): Promise<ReadModelFile> {
  return readNamedModel(given, options, downloaded)
}

/** A network of the catalogue by its name, downloaded unless it is there. */
export function downloaded(name: string): Promise<StoredModelFiles> {
  return whileInterruptible(
    (signal) => modelFromCatalogue(name, { signal, ...storeReporter }),
    'what came is kept, and gone on from next time',
  )
}

/** Reads a model and puts it on a device. */
export async function openModel(path: string, options: DeviceOptions): Promise<OpenModel> {
  const objective = { loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] } as const
  return placeModel(await readModelFile(path), options, objective)
}

/** Puts a model that was read on a device. @param objective what it is to be measured by */
export async function placeModel(
  { model, digest }: Pick<ReadModelFile, 'model' | 'digest'>,
  options: DeviceOptions,
  objective: Omit<CompileOptions, 'device'> = {},
): Promise<OpenModel> {
  const device = await openDeviceFor(options)
  const dispose = () => {
    model.dispose()
    device.dispose()
  }
  try {
    await model.compile({ device, ...objective })
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
