import { createHash } from 'node:crypto'
import type { Device } from '../../engine/device.ts'
import { modelFromBytes } from '../../engine/facade/load-model.ts'
import type { Model } from '../../engine/facade/model.ts'
import { tutorialArchitecture } from '../networks/tutorial.ts'
import { readInput } from './input-file.ts'
import { type DeviceOptions, openDeviceFor } from './options.ts'

export interface OpenModel {
  readonly model: Model
  /** SHA-256 of the model's file. */
  readonly digest: string
  readonly device: Device
  dispose(): void
}

/** Loads a model and puts it on a device. Files without an architecture are taken for weights of the tutorial's network. */
export async function openModel(path: string, options: DeviceOptions): Promise<OpenModel> {
  const { model, digest } = await readInput(path, (bytes) => ({
    model: modelFromBytes(bytes, tutorialArchitecture(0)),
    digest: createHash('sha256').update(bytes).digest('hex'),
  }))
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
