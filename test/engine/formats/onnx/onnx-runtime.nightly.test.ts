import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import { networkToOnnx } from '../../../../src/engine/formats/onnx/write-onnx.ts'
import { relativeError } from '../../operation-cases.ts'
import { allWritten, outputOf, samplesFor } from './written-answers.ts'

/** ONNX Runtime is a dependency of the benchmarks' package: `npm ci --prefix bench --ignore-scripts` installs it. */
const runtime = createRequire(new URL('../../../../bench/package.json', import.meta.url))('onnxruntime-node')

it.each(allWritten)('ONNX Runtime computes the same of $name', async ({ network }) => {
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
