import type { OpenedModel } from '../formats/opened-model.ts'
import { readModel } from '../formats/read-model.ts'
import type { Architecture } from '../model/sequential.ts'
import { Model } from './model.ts'
import { sequentialOf } from './sequential.ts'

/**
 * Reads a model. `fallback` is the architecture of files that have none (weights written by other programs).
 * @throws FormatError when the file is not a model: another program's, truncated, corrupt, without a known architecture, or with
 * weights that do not fit it or are not finite
 */
export function modelFromBytes(bytes: Uint8Array, fallback?: Architecture): Model {
  return modelOf({ ...readModel(bytes, fallback), origin: { format: 'safetensors' } })
}

/** @internal */
export function modelOf({ network, metadata, origin, images }: OpenedModel): Model {
  const model = 'layers' in network ? sequentialOf(network) : Model.of(network)
  model.metadata = { ...metadata }
  model.origin = origin
  model.images = images
  return model
}
