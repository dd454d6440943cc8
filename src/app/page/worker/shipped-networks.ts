import tutorialAddress from '../../../../models/fashion-cnn.safetensors?url'
import residualAddress from '../../../../models/fashion-resnet.safetensors?url'
import { type Model, modelFromBytes } from '../../../engine/index.ts'
import type { ShippedNetwork } from '../contract/engine-api.ts'
import { download } from './download.ts'

/** The trained networks that come with the page. */
const files: Readonly<Record<ShippedNetwork, { readonly address: string; readonly what: string }>> = {
  tutorial: { address: tutorialAddress, what: 'the model' },
  resnet: { address: residualAddress, what: 'the residual network' },
}

/** @throws LimelightError when its file can't be had */
export async function fetchShipped(name: ShippedNetwork): Promise<Model> {
  const { address, what } = files[name]
  return modelFromBytes(await download(address, what))
}
