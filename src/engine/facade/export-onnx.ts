import { ArgumentError } from '../errors.ts'
import { Model } from './model.ts'

/**
 * A model as the bytes of an ONNX file (opset 17, float32, any batch), which ONNX Runtime and others run. Inputs and outputs are as
 * the model has them: images in the order [N, height, width, channels] for a model of layers.
 * @throws LimelightError for what ONNX has no words for
 */
export async function exportOnnx(model: Model): Promise<Uint8Array<ArrayBuffer>> {
  if (!(model instanceof Model)) throw new ArgumentError('exportOnnx: model must be a model')
  const { networkToOnnx } = await import('../formats/onnx/write-onnx.ts')
  const { images, metadata } = model
  const known: Record<string, string> = Object.keys(images).length > 0 ? { images: JSON.stringify(images) } : {}
  return networkToOnnx(model.network, { metadata: { ...metadata, ...known } })
}
