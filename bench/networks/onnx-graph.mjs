/** An ONNX file's graph to change, read and written by the product's own code, which is in no build of the package. */
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'
import { formatSafetensors } from '../../dist/index.js'

const source = (name) => fileURLToPath(new URL(`../../src/engine/formats/onnx/${name}`, import.meta.url))
/** TensorProto.DataType -> how its numbers lie in the file. */
const arrays = { 1: Float32Array, 7: BigInt64Array }
/** AttributeProto.AttributeType -> what gets the value. */
const attributeValues = { 1: ({ f }) => ({ float: f }), 2: ({ i }) => i, 3: ({ s }) => s, 7: ({ ints }) => ints }

/**
 * @param {Uint8Array} bytes a file of floats and integers, of whose attributes numbers and texts are read
 * @returns {Promise<object>} nodes (attributes by name), initializers ({ name, shape, data }), inputs, outputs, opset
 */
export async function readOnnx(bytes) {
  const { readModelProto } = (await runnerImport(source('onnx-proto.ts'))).module
  const { graph, opsets } = readModelProto(bytes)
  return {
    nodes: graph.nodes.map((node) => ({ ...node, attributes: plain(node.attributes) })),
    initializers: graph.initializers.map(({ name, dims, type, raw }) => ({
      name,
      shape: dims,
      // Copied: they lie in the file as they come.
      data: new arrays[type](Uint8Array.from(raw).buffer),
    })),
    inputs: graph.inputs,
    outputs: graph.outputs,
    opset: opsets.get(''),
  }
}

const plain = (attributes) =>
  Object.fromEntries(attributes.map((attribute) => [attribute.name, attributeValues[attribute.type]?.(attribute)]))

/** The same network for who reads safetensors and knows the operators: nodes are in the metadata. @returns {Promise<Uint8Array>} */
export async function tensorsAndNodes(bytes) {
  const { nodes, initializers, inputs } = await readOnnx(bytes)
  const number = (value) => (typeof value === 'object' && 'float' in value ? value.float : value)
  const plainNodes = nodes.map(({ operator, inputs: names, outputs: [output], attributes }) => ({
    operator,
    inputs: names,
    output,
    attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, number(value)])),
  }))
  const tensors = initializers.map(({ name, shape, data }) => [name, { shape, data }])
  return formatSafetensors(new Map(tensors), { nodes: JSON.stringify(plainNodes), input: inputs[0].name })
}

/** @returns {Promise<Uint8Array>} a file that takes any batch */
export async function writeOnnx({ inputs, outputs, ...graph }) {
  const { onnxBytes } = (await runnerImport(source('write-proto.ts'))).module
  const port = ({ name, shape: [, ...extents] }) => ({ name, shape: ['N', ...extents] })
  return onnxBytes({
    ...graph,
    inputs: inputs.map(port),
    outputs: outputs.map(port),
    producer: 'limelight-bench',
    version: '1',
    metadata: {},
  })
}
