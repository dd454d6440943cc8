/**
 * The tutorial's network as an ONNX file: protobuf messages written by hand, with the field numbers of
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
 */
import { channelsFirst } from '../work.mjs'

const float = 1
const intType = 2
const intsType = 7
const [varintWire, bytesWire] = [0, 2]

function varint(value) {
  const bytes = []
  let rest = value
  do {
    bytes.push((rest % 128) + (rest > 127 ? 128 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return bytes
}

const integer = (field, value) => Uint8Array.from([...varint(field * 8 + varintWire), ...varint(value)])

function bytes(field, content) {
  const head = [...varint(field * 8 + bytesWire), ...varint(content.length)]
  const whole = new Uint8Array(head.length + content.length)
  whole.set(head)
  whole.set(content, head.length)
  return whole
}

const text = (field, value) => bytes(field, new TextEncoder().encode(value))
const message = (field, ...parts) => bytes(field, joined(parts))

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

const ints = (name, values) =>
  message(5, text(1, name), ...values.map((value) => integer(8, value)), integer(20, intsType))
const int = (name, value) => message(5, text(1, name), integer(3, value), integer(20, intType))

const node = (operation, inputs, output, ...attributes) =>
  message(1, ...inputs.map((name) => text(1, name)), text(2, output), text(4, operation), ...attributes)

const tensor = (name, { shape, data }) =>
  message(
    5,
    ...shape.map((extent) => integer(1, extent)),
    integer(2, float),
    text(8, name),
    bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  )

const dimension = (extent) => message(1, typeof extent === 'string' ? text(2, extent) : integer(1, extent))
const value = (field, name, shape) =>
  message(field, text(1, name), message(2, message(1, integer(1, float), message(2, ...shape.map(dimension)))))

/** x [N, 1, 28, 28] -> probabilities [N, 10]. One channel: NHWC bytes are NCHW bytes. */
export function tutorialModel(work) {
  const { convolutions, dense } = channelsFirst(work)
  const nodes = []
  const tensors = []
  let x = 'x'
  for (const [i, { kernel, bias }] of convolutions.entries()) {
    tensors.push(tensor(`kernel${i}`, kernel), tensor(`bias${i}`, bias))
    nodes.push(
      node('Conv', [x, `kernel${i}`, `bias${i}`], `sum${i}`, ints('kernel_shape', [3, 3]), ints('pads', [1, 1, 1, 1])),
      node('Relu', [`sum${i}`], `relu${i}`),
    )
    x = `relu${i}`
  }
  tensors.push(tensor('dense', dense.kernel), tensor('denseBias', dense.bias))
  nodes.push(
    node('Flatten', [x], 'flat', int('axis', 1)),
    node('Gemm', ['flat', 'dense', 'denseBias'], 'logits'),
    node('Softmax', ['logits'], 'probabilities', int('axis', 1)),
  )
  const graph = message(
    7,
    ...nodes,
    text(2, 'fashion'),
    ...tensors,
    value(11, 'x', ['N', 1, 28, 28]),
    value(12, 'probabilities', ['N', 10]),
  )
  const [irVersion, operations] = [8, 17]
  return joined([integer(1, irVersion), graph, message(8, text(1, ''), integer(2, operations))])
}
