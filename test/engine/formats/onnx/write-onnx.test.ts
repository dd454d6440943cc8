import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import seedrandom from 'seedrandom'
import { expect, it } from 'vitest'
import { tutorialArchitecture } from '../../../../src/app/networks/tutorial.ts'
import { compute } from '../../../../src/engine/compute.ts'
import { oneFile } from '../../../../src/engine/formats/model-files.ts'
import { readOnnx } from '../../../../src/engine/formats/onnx/read-onnx.ts'
import { networkToOnnx } from '../../../../src/engine/formats/onnx/write-onnx.ts'
import { modelFromBytes } from '../../../../src/engine/index.ts'
import { inUse, type Network } from '../../../../src/engine/model/network.ts'
import { ReferenceDevice } from '../../../../src/engine/reference/device.ts'
import { Input, Resident, sizeOf } from '../../../../src/engine/tensor.ts'
import { relativeError } from '../../operation-cases.ts'
import { randomNetwork, writtenCases } from './written-networks.ts'

const device = new ReferenceDevice()

const trained = (name: string) => readFileSync(new URL(`../../../../models/${name}.safetensors`, import.meta.url))

const cases = [
  ...writtenCases,
  { name: "the tutorial's network", network: modelFromBytes(trained('fashion-cnn'), tutorialArchitecture(0)).network },
  { name: 'the residual network', network: modelFromBytes(trained('fashion-resnet')).network },
  ...[1, 2, 3].map((seed) => ({ name: `random layers ${seed}`, network: randomNetwork(seed) })),
]

/** What a network makes of samples, in float64. */
async function outputOf(network: Network, batch: number, data: Float32Array): Promise<Float64Array> {
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

function samplesFor(network: Network, batch: number): Float32Array {
  const random = seedrandom(String(batch))
  return Float32Array.from({ length: batch * sizeOf(network.inputs[0].shape) }, () => random() * 2 - 1)
}

/** Of the benchmarks' package: not installed in most checkouts. */
function onnxRuntime() {
  try {
    return createRequire(new URL('../../../../bench/package.json', import.meta.url))('onnxruntime-node')
  } catch {
    return null
  }
}

const runtime = onnxRuntime()

it.each(cases)('what is written is read as the same network: $name', async ({ network }) => {
  const { network: again } = await readOnnx(oneFile(networkToOnnx(network)), {})
  expect(again.inputs).toEqual(network.inputs)
  for (const batch of [1, 3]) {
    const data = samplesFor(network, batch)
    const [expected, found] = [await outputOf(network, batch, data), await outputOf(again, batch, data)]
    expect(relativeError(found, expected)).toBeLessThan(1e-6)
  }
})

it.skipIf(!runtime).each(cases)('ONNX Runtime computes the same of $name', async ({ network }) => {
  const session = await runtime.InferenceSession.create(Buffer.from(networkToOnnx(network)))
  for (const batch of [1, 3]) {
    const data = samplesFor(network, batch)
    const expected = await outputOf(network, batch, data)
    const { [network.outputs[0].name]: y } = await session.run({
      [network.inputs[0].name]: new runtime.Tensor('float32', data, [batch, ...network.inputs[0].shape]),
    })
    expect(y.dims).toEqual([batch, ...network.outputs[0].shape])
    expect(relativeError(y.data, expected)).toBeLessThan(1e-5)
  }
})
