import { LimelightError } from '../errors.ts'
import type { OpenedModel } from './opened-model.ts'
import { formatSafetensors } from './safetensors.ts'

/** What a model file holds: a network, and whatever else is known of it, the training's log and recipe, say. */
export interface StoredModel {
  readonly network: OpenedModel['network']
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * A model as the bytes of its file, which modelFromBytes reads: safetensors, the weights under Keras's names, the layers as
 * JSON under `architecture` in the metadata, beside what else is known.
 * @throws LimelightError when a weight is not finite: nobody could open the file
 */
export function modelToBytes({ network, metadata }: StoredModel): Uint8Array<ArrayBuffer> {
  if (!('architecture' in network))
    throw new LimelightError(
      `a network of ${network.operators.name} operators has no layers, and safetensors files here hold layers; keep its own file`,
    )
  for (const { name, data } of network.parameters)
    if (!data.every(Number.isFinite))
      throw new LimelightError(
        `the model's weight "${name}" holds numbers that are not finite: a file of it could not be opened`,
      )
  const weights = new Map(network.parameters.map(({ name, shape, data }) => [name, { shape, data }]))
  return formatSafetensors(weights, { ...metadata, architecture: JSON.stringify(network.architecture) })
}
