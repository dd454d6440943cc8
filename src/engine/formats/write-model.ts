import { LimelightError } from '../errors.ts'
import { areFinite } from '../model/parameters.ts'
import type { PictureNetwork } from '../model/picture-network.ts'
import { imagesMetadata } from './images-text.ts'
import type { OpenedModel, StatedImages } from './opened-model.ts'
import { formatSafetensors } from './safetensors.ts'

/** What a model's file holds, wherever it comes from. */
export type StoredModel = Omit<OpenedModel, 'origin'>

/** What a model has of a file's content. */
export interface WritableModel {
  readonly network: StoredModel['network'] | PictureNetwork
  readonly metadata: StoredModel['metadata']
  readonly images?: StatedImages
}

/**
 * A model as the bytes of its file, which modelFromBytes reads: safetensors, the weights under Keras's names, the layers as
 * JSON under `architecture` in the metadata, beside what else is known.
 * @throws LimelightError when a weight is not finite: nobody could open the file; and for a network that is not made of layers
 */
export function modelToBytes({ network, metadata, images = {} }: WritableModel): Uint8Array<ArrayBuffer> {
  if (!('architecture' in network))
    throw new LimelightError(
      'the network is made of the operators of its file, and safetensors files here hold layers: keep its own file',
    )
  for (const { name, data } of network.parameters)
    if (!areFinite(data))
      throw new LimelightError(
        `the model's weight "${name}" holds numbers that are not finite: a file of it could not be opened`,
      )
  const weights = new Map(network.parameters.map(({ name, shape, data }) => [name, { shape, data }]))
  return formatSafetensors(weights, {
    ...metadata,
    architecture: JSON.stringify(network.architecture),
    ...imagesMetadata(images),
  })
}
