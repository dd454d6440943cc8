/**
 * EfficientNet-B0 (Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019) with random kernels. Its
 * batch norms have the statistics of what they normalise, from one step of training that changes nothing else to speak of: activations
 * keep their size, and the outputs depend on the inputs.
 */
import {
  activation,
  add,
  batchNormalization,
  conv2d,
  dense,
  depthwiseConv2d,
  exportOnnx,
  globalAveragePooling2d,
  input,
  model,
  multiply,
  openDevice,
  sgd,
  upSampling2d,
} from '../../dist/index.js'
import { noise } from '../noise.mjs'
import { readOnnx, writeOnnx } from './onnx-graph.mjs'

const classes = 1000
const size = 224
const sampledImages = 2

/** Expansion, channels, how many blocks, the first one's stride, the window's size. */
const stages = [
  [1, 16, 1, 1, 3],
  [6, 24, 2, 2, 3],
  [6, 40, 2, 2, 5],
  [6, 80, 3, 2, 3],
  [6, 112, 3, 1, 5],
  [6, 192, 4, 2, 5],
  [6, 320, 1, 1, 3],
]

/** Its averages are the last batch's. */
const normalise = () => batchNormalization({ momentum: 0 })
const convolve = (filters, kernelSize = 1, strides = 1) =>
  conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false })
const swish = () => activation('swish')

/** Scales channels by what a small network says of their means: `channels` is the block's input's. */
function squeezeAndExcite(x, channels) {
  const scales = x.through(
    globalAveragePooling2d({ keepDims: true }),
    conv2d({ filters: Math.max(1, channels / 4), kernelSize: 1, activation: 'swish' }),
    conv2d({ filters: x.shape[2], kernelSize: 1, activation: 'sigmoid' }),
  )
  // Layers multiply what has one shape: the file has the scales themselves in the end.
  const [height, width] = x.shape
  return multiply([x, scales.through(upSampling2d({ size: [height, width] }))])
}

function block(x, expansion, filters, strides, kernelSize) {
  const channels = x.shape[2]
  const expanded = expansion === 1 ? x : x.through(convolve(expansion * channels), normalise(), swish())
  const filtered = expanded.through(
    depthwiseConv2d({ kernelSize, strides, padding: 'same', useBias: false }),
    normalise(),
    swish(),
  )
  const y = squeezeAndExcite(filtered, channels).through(convolve(filters), normalise())
  return strides === 1 && filters === channels ? add([x, y]) : y
}

/** @returns {Promise<Uint8Array>} an ONNX file, [N, 224, 224, 3] -> [N, 1000] */
export async function efficientNetB0() {
  const image = input({ shape: [size, size, 3] })
  let x = image.through(convolve(32, 3, 2), normalise(), swish())
  for (const [expansion, filters, blocks, strides, kernelSize] of stages)
    for (let i = 0; i < blocks; i++) x = block(x, expansion, filters, i === 0 ? strides : 1, kernelSize)
  const outputs = x.through(
    convolve(1280),
    normalise(),
    swish(),
    globalAveragePooling2d(),
    dense({ units: classes, activation: 'softmax' }),
  )
  const network = model({ inputs: image, outputs, seed: 1 })
  await takeStatistics(network)
  return writeOnnx(withoutRepeating(await readOnnx(await exportOnnx(network))))
}

/** Scales that are repeated over the places, which two products with ones do, are multiplied as they are: ONNX's operators broadcast. */
function withoutRepeating(graph) {
  const maker = (name) => graph.nodes.find(({ outputs }) => outputs.includes(name))
  const repetitions = new Set()
  const nodes = graph.nodes.map((node) => {
    const columns = node.operator === 'Mul' && maker(node.inputs[1])
    const rows = columns?.operator === 'MatMul' && maker(columns.inputs[0])
    if (rows?.operator !== 'MatMul') return node
    repetitions.add(columns).add(rows)
    return { ...node, inputs: [node.inputs[0], rows.inputs[1]] }
  })
  const kept = nodes.filter((node) => !repetitions.has(node))
  const used = new Set(kept.flatMap(({ inputs }) => inputs))
  return {
    ...graph,
    nodes: kept,
    initializers: graph.initializers.filter(({ name }) => used.has(name)),
  }
}

async function takeStatistics(network) {
  const device = await openDevice('cpu')
  await network.compile({ device, optimizer: sgd({ learningRate: 1e-9 }) })
  const data = noise(sampledImages * size * size * 3, [-1, 1])
  const labels = Uint8Array.from({ length: sampledImages }, (_, i) => i)
  await network.fit({ data, shape: [sampledImages, size, size, 3] }, labels, { batchSize: sampledImages, epochs: 1 })
  network.dispose()
  device.dispose()
}
