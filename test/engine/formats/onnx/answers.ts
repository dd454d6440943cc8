import { compute } from '../../../../src/engine/compute.ts'
import { loadModel } from '../../../../src/engine/facade/load-model.ts'
import { readTensorProto } from '../../../../src/engine/formats/onnx/onnx-proto.ts'
import { tensorData } from '../../../../src/engine/formats/onnx/tensor-data.ts'
import { gradients } from '../../../../src/engine/gradients.ts'
import { type DeviceName, openDevice } from '../../../../src/engine/index.ts'
import { CompiledModel, parameterBlock } from '../../../../src/engine/model/compiled.ts'
import { slice } from '../../../../src/engine/ops/slice-and-pad.ts'
import { sum } from '../../../../src/engine/ops/sum-and-broadcast.ts'
import { Input, type Shape, sizeOf, type Tensor } from '../../../../src/engine/tensor.ts'
import { modelPath, readModelFile, recorded } from '../../../shared-models.ts'

export interface Samples {
  readonly shape: Shape
  readonly data: Float32Array
}

/** What a model makes of samples, and what `also` makes of its input and output. */
export async function answers(
  backend: DeviceName,
  source: string | Uint8Array,
  { shape, data }: Samples,
  also: (x: Tensor, y: Tensor) => Readonly<Record<string, Tensor>> = () => ({}),
): Promise<Record<string, ArrayLike<number>>> {
  const device = await openDevice(backend)
  const { network } = await loadModel(source)
  const model = new CompiledModel(network, device)
  try {
    const x = new Input('x', shape)
    const y = model.forward(x)
    const blocks = { [parameterBlock]: model.parameterMemory }
    return await compute(device, { outputs: { y, ...also(x, y) } }, { x: data }, blocks)
  } finally {
    model.dispose()
    device.dispose()
  }
}

/** The first samples of a recorded tensor. */
export function firstOf(record: string, tensor: string, count: number): Samples {
  const { shape, data } = recorded(record, tensor)
  const size = sizeOf(shape.slice(1))
  return { shape: shape.with(0, count), data: Float32Array.from(data.subarray(0, count * size)) }
}

/** Of the sum of all samples' numbers for class 3, by the input. */
export function gradientOfClass3(x: Tensor, y: Tensor) {
  const [dx] = gradients(sum(slice(y, { begin: [0, 3], size: [y.shape[0], 1] })), [x])
  return { dx }
}

/** What a light network of the ONNX project makes of the input that its test runner makes, and what it should. */
export async function lightAnswers(name: string) {
  const shape = [1, 3, 224, 224]
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => i / sizeOf(shape))
  const { y } = await answers('cpu', modelPath(`onnx-light/light_${name}.onnx`), { shape, data })
  const record = readTensorProto(readModelFile(`onnx-light/light_${name}_output_0.pb`))
  return { y, expected: tensorData(record, new Map()).data }
}
