import { readFileSync } from 'node:fs'
import seedrandom from 'seedrandom'
import { tutorialArchitecture } from '../../../../src/app/networks/tutorial.ts'
import { compute } from '../../../../src/engine/compute.ts'
import { modelFromBytes } from '../../../../src/engine/index.ts'
import { inUse, type Network } from '../../../../src/engine/model/network.ts'
import { ReferenceDevice } from '../../../../src/engine/reference/device.ts'
import { Input, Resident, sizeOf } from '../../../../src/engine/tensor.ts'
import { randomNetwork, type WrittenCase, writtenCases } from './written-networks.ts'

/** The networks that are written as ONNX, and what they answer before: whoever reads the file must answer the same. */

const device = new ReferenceDevice()

const trained = (name: string) => readFileSync(new URL(`../../../../models/${name}.safetensors`, import.meta.url))

export const allWritten: readonly WrittenCase[] = [
  ...writtenCases,
  { name: "the tutorial's network", network: modelFromBytes(trained('fashion-cnn'), tutorialArchitecture(0)).network },
  { name: 'the residual network', network: modelFromBytes(trained('fashion-resnet')).network },
  ...[1, 2, 3].map((seed) => ({ name: `random layers ${seed}`, network: randomNetwork(seed) })),
]

/** What a network makes of samples, in float64. */
export async function outputOf(network: Network, batch: number, data: Float32Array): Promise<Float64Array> {
  const [{ name }] = network.inputs
  const x = new Input(name, [batch, ...network.inputs[0].shape])
  const blocks = network.parameters.map(({ data: weights }) => {
    const memory = device.allocate('f32', weights.length)
    device.write(memory, weights)
    return memory
  })
  const residents = network.parameters.map(({ shape }, i) => new Resident(`block ${i}`, 0, shape))
  const [y] = network.apply([x], residents, inUse).outputs
  const outputs = await compute(
    device,
    { outputs: { y } },
    { [name]: data },
    Object.fromEntries(blocks.map((memory, i) => [`block ${i}`, memory])),
  )
  return Float64Array.from(outputs.y)
}

/** Numbers from -1 to 1. */
export function samplesFor(network: Network, batch: number): Float32Array {
  const random = seedrandom(String(batch))
  return Float32Array.from({ length: batch * sizeOf(network.inputs[0].shape) }, () => random() * 2 - 1)
}
