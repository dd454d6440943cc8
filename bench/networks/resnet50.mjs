/**
 * ResNet-50 from the ONNX project's light file, whose weights are constants, most of them made by ConstantOfShape. What is computed with
 * constants decays to denormals, which are slow everywhere: here they are seeded random numbers, of a size with which it neither decays
 * nor explodes.
 */
import { noise } from '../noise.mjs'
import { readOnnx, writeOnnx } from './onnx-graph.mjs'

/** @returns {Promise<Uint8Array>} [N, 3, 224, 224] -> [N, 1000] */
export async function randomResnet50(light) {
  const graph = await readOnnx(light)
  const nodes = graph.nodes.filter(({ operator }) => operator !== 'ConstantOfShape')
  const weights = constantsOf(graph).filter(({ name }) => nodes.some(({ inputs }) => inputs.includes(name)))
  // The one reshaping there is makes images of a batch rows.
  const reshaping = nodes.find(({ operator }) => operator === 'Reshape')
  const rows = { name: reshaping.inputs[1], shape: [2], data: BigInt64Array.of(-1n, 2048n) }
  return writeOnnx({
    ...graph,
    nodes,
    initializers: [rows, ...weights.map((weight, i) => ({ ...weight, data: randomWeights(weight, nodes, i) }))],
    inputs: graph.inputs.filter(({ name }) => name === nodes[0].inputs[0]),
  })
}

/** The file's tensors of floats, and those that it makes. */
function constantsOf({ nodes, initializers }) {
  const stored = initializers.filter(({ data }) => data instanceof Float32Array)
  const made = nodes
    .filter(({ operator }) => operator === 'ConstantOfShape')
    .map(({ inputs, outputs }) => {
      const shape = initializers.find(({ name }) => name === inputs[0])
      return { name: outputs[0], shape: Array.from(shape.data, Number) }
    })
  return [...made, ...stored]
}

/** He et al.'s initialisation of kernels keeps the activations' size; batch norms have variance 1, and sums of two keep it, too. */
function randomWeights({ name, shape }, nodes, seed) {
  const { operator, inputs, outputs } = nodes.find((node) => node.inputs.includes(name))
  const count = shape.reduce((product, extent) => product * extent)
  const random = (deviation) => noise(count, [-Math.sqrt(3) * deviation, Math.sqrt(3) * deviation], seed)
  if (shape.length > 1) {
    const deviation = Math.sqrt((2 * shape[0]) / count)
    // Logits of a size that leaves no class all of the probability.
    return random(operator === 'Gemm' ? deviation / 10 : deviation)
  }
  if (operator !== 'BatchNormalization') return random(0.1)
  const [, scale, , , variance] = inputs
  if (name === variance) return new Float32Array(count).fill(1)
  if (name !== scale) return random(0.1)
  const isAdded = nodes.some((node) => node.operator === 'Sum' && node.inputs.includes(outputs[0]))
  return new Float32Array(count).fill(isAdded ? Math.SQRT1_2 : 1)
}
