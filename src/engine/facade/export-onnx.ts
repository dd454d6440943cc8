import { ArgumentError } from '../errors.ts'
import { imagesMetadata } from '../formats/images-text.ts'
import { Model } from './model.ts'

/**
 * A model as the bytes of an ONNX file (opset 17, float32, any batch), which ONNX Runtime and others run. Inputs and outputs are as
 * the model has them: images in the order [N, height, width, channels] for a model of layers. What is known of its pictures goes with
 * it, and is known again where the file is loaded here.
 * @throws LimelightError for what ONNX has no words for
 */
export async function exportOnnx(model: Model): Promise<Uint8Array<ArrayBuffer>> {
  if (!(model instanceof Model)) throw new ArgumentError('exportOnnx: model must be a model')
  const { networkToOnnx } = await import('../formats/onnx/write-onnx.ts')
  const { images, metadata } = model
  return networkToOnnx(model.network, { metadata: { ...metadata, ...imagesMetadata(images) } })
}
