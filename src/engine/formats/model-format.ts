import { LimelightError } from '../errors.ts'
import type { LayerDescription } from '../model/layers.ts'
import type { Sequential, SequentialOptions } from '../model/sequential.ts'
import { formatSafetensors } from './safetensors.ts'

/**
 * A model as a safetensors file: the weights under Keras's names, the layers as JSON under `architecture` in the metadata,
 * beside whatever else is known (the training's log and recipe).
 */
export interface Architecture extends SequentialOptions {
  readonly layers: readonly LayerDescription[]
}

/**
 * A model as the bytes of its file; modelFromBytes reads them.
 * @throws LimelightError when a weight is not finite: nobody could open the file
 */
export function modelToBytes(model: Sequential): Uint8Array<ArrayBuffer> {
  const { inputShape, seed, descriptions } = model
  for (const { name, data } of model.weights)
    if (!data.every(Number.isFinite))
      throw new LimelightError(
        `the model's weight "${name}" holds numbers that are not finite: a file of it could not be opened`,
      )
  const architecture: Architecture = { inputShape, seed, layers: descriptions }
  const weights = new Map(model.weights.map(({ name, shape, data }) => [name, { shape, data }]))
  return formatSafetensors(weights, { ...model.metadata, architecture: JSON.stringify(architecture) })
}
