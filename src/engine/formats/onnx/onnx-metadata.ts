import type { OutputKind } from '../../model/picture-network.ts'
import type { Stated, StatedImages } from '../opened-model.ts'
import type { OperatorGraph, OperatorNode } from '../operators/operator-graph.ts'
import type { ModelProto } from './onnx-proto.ts'

/**
 * What an ONNX file says of its pictures and answers: the standard's metadata for images (MetadataProps.md), what the axes of its
 * input are (TypeDenotation.md), the class names that Ultralytics writes, and what follows from the operators that take the input
 * and give the output.
 */
export function statedImages({ metadata, graph: proto }: ModelProto, graph: OperatorGraph): StatedImages {
  const input = proto.inputs.find(({ name }) => name === graph.inputs[0]?.name)
  const layout = layoutOf(input?.axes ?? []) ?? layoutOfOperators(graph)
  const channels = channelsOf(metadata.get('Image.BitmapPixelFormat'))
  const preprocessing = preprocessingOf(metadata.get('Image.NominalPixelRange'))
  const classNames = namesOf(metadata.get('names'))
  const output = outputOf(graph)
  return {
    ...(layout && { layout }),
    ...(channels && { channels }),
    ...(preprocessing && { preprocessing }),
    ...(classNames && { classNames }),
    ...(output && { output }),
  }
}

function layoutOf(axes: readonly string[]): Stated<'NHWC' | 'NCHW'> | null {
  const source = "the input's denotations"
  if (axes.length !== 4) return null
  if (axes[1] === 'DATA_CHANNEL') return { value: 'NCHW', source }
  return axes[3] === 'DATA_CHANNEL' ? { value: 'NHWC', source } : null
}

/** Operators that by the standard take images as [N,C,H,W]. */
const imageOperators = new Set([
  'Conv',
  'ConvInteger',
  'QLinearConv',
  'MaxPool',
  'AveragePool',
  'BatchNormalization',
  'LRN',
])

/** Operators that change numbers, each by itself: the axes stay where they are. */
const passing = new Set([
  ...['Identity', 'Cast', 'Dropout', 'Add', 'Sub', 'Mul', 'Div', 'Clip', 'Pad', 'Resize'],
  ...['QuantizeLinear', 'DequantizeLinear'],
])

function layoutOfOperators({ nodes, inputs }: OperatorGraph): Stated<'NHWC' | 'NCHW'> | null {
  if (inputs[0]?.shape.length !== 4) return null
  let tensor = inputs[0].name
  let isTurned = false
  // At most as many steps as nodes: a graph may have a circle still.
  for (let steps = 0; steps < nodes.length; steps++) {
    const node = nodes.find(({ operator, inputs }) => operator !== 'Shape' && inputs.includes(tensor))
    if (!node) return null
    if (imageOperators.has(node.operator))
      return { value: isTurned ? 'NHWC' : 'NCHW', source: `${node.operator} takes it` }
    if (node.operator === 'Transpose' && !isTurned && String(node.attributes.perm) === '0,3,1,2') isTurned = true
    else if (!passing.has(node.operator)) return null
    tensor = node.outputs[0] ?? ''
  }
  return null
}

function channelsOf(format: string | undefined): StatedImages['channels'] | null {
  const source = "the file's Image.BitmapPixelFormat"
  if (format === undefined) return null
  if (/^gray/i.test(format)) return { value: 'grey', source }
  if (/^rgb8?$/i.test(format)) return { value: 'rgb', source }
  return /^bgr8?$/i.test(format) ? { value: 'bgr', source } : null
}

const pixelRanges = new Map([
  ['NominalRange_0_255', { scale: [1], offset: [0] }],
  ['Normalized_0_1', { scale: [1 / 255], offset: [0] }],
  ['Normalized_1_1', { scale: [2 / 255], offset: [-1] }],
  // Video's: black is 16, white 235.
  ['NominalRange_16_235', { scale: [219 / 255], offset: [16] }],
])

function preprocessingOf(range: string | undefined): StatedImages['preprocessing'] | null {
  const value = range === undefined ? undefined : pixelRanges.get(range)
  return value ? { value, source: "the file's Image.NominalPixelRange" } : null
}

/**
 * Class names as Ultralytics writes them, as Python shows a dictionary: {0: 'tench', 1: "crow's nest"}. null for what is none, or
 * does not name all from 0 on.
 */
function namesOf(text: string | undefined): Stated<readonly string[]> | null {
  if (text === undefined || text.length > longestNames) return null
  const entry = /\s*"?(\d+)"?\s*:\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*(,|\}\s*$)/y
  const names: string[] = []
  const start = /^\s*\{/.exec(text)
  if (!start) return null
  entry.lastIndex = start[0].length
  for (let match = entry.exec(text); match; match = entry.exec(text)) {
    if (Number(match[1]) !== names.length) return null
    names.push((match[2] ?? match[3]).replace(/\\(.)/g, '$1'))
    if (match[4] !== ',') return { value: names, source: "the file's names" }
  }
  return null
}

const longestNames = 10_000_000

const outputKinds: Readonly<Record<string, OutputKind>> = {
  Softmax: 'probabilities',
  LogSoftmax: 'log-probabilities',
  Sigmoid: 'sigmoid',
}

/** Operators after which numbers mean what they did. */
const keeping = new Set(['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Cast', 'Dropout'])

function outputOf({ nodes, outputs }: OperatorGraph): Stated<OutputKind> | null {
  const makers = new Map<string, OperatorNode>(nodes.flatMap((node) => node.outputs.map((name) => [name, node])))
  let node = makers.get(outputs[0] ?? '')
  for (let steps = 0; node && keeping.has(node.operator) && steps < nodes.length; steps++)
    node = makers.get(node.inputs[0] ?? '')
  const value = node && Object.hasOwn(outputKinds, node.operator) ? outputKinds[node.operator] : undefined
  return node && value ? { value, source: `its last operator is ${node.operator}` } : null
}
