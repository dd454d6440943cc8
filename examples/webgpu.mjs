/**
 * Computes on WebGPU: in Node with the npm package `webgpu`, in browsers without it. A graph is written with operations, its
 * gradient is a graph, too, and both run in one submit.
 */
import { compute, gradients, Input, openDevice, ops } from 'limelight'

const device = await openDevice('webgpu')
console.log(`Adapter: ${device.info.adapter}`)

const x = new Input('x', [2, 3])
const kernel = new Input('kernel', [3, 2])
const loss = ops.sum(ops.square(ops.relu(ops.matmul(x, kernel))))
const [slope] = gradients(loss, [kernel])

const results = await compute(
  device,
  { outputs: { loss, slope } },
  { x: Float32Array.of(1, 2, 3, 4, 5, 6), kernel: Float32Array.of(0.1, -0.2, 0.3, -0.4, 0.5, -0.6) },
)
console.log(`Loss ${results.loss[0].toFixed(3)}`)
console.log(`Its gradient ${Array.from(results.slope, (value) => value.toFixed(2)).join(' ')}`)
device.dispose()
