import { photographRequestOf, plainPhotographSettings } from '../../../src/app/page/contract/photograph-settings.ts'
import { explainPhotograph } from '../../../src/app/photographs/explain-photograph.ts'
import { askedPicture } from '../../../src/app/photographs/framing.ts'
import { decodePicture } from '../../../src/app/pictures/decode-picture.ts'
import { type PictureTask, pictureModel } from '../../../src/app/tasks/picture-task.ts'
import type { Device, Model } from '../../../src/engine/index.ts'

/** What the page says and explains of a photograph's middle, in Node. */
export async function photographExplainedInNode(
  device: Device,
  network: Model,
  task: PictureTask,
  picture: Uint8Array,
  samples: number,
) {
  const pictures = pictureModel(network, task)
  await pictures.compile({ device })
  const request = photographRequestOf({ ...plainPhotographSettings, samples })
  const photograph = { picture: await decodePicture(picture), task, fit: 'crop' } as const
  const { attribution } = await explainPhotograph(photograph, pictures, { ...request, topLabels: task.classes ?? 1 })
  const { data, height, width, channels } = askedPicture(photograph.picture, task, photograph.fit)
  const sample = { data: Float32Array.from(data), shape: [1, height, width, channels] }
  const { data: predicted } = await pictures.predict(sample)
  pictures.dispose()
  return { attribution, predicted: Array.from(predicted) }
}
