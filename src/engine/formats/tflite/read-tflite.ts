import { shown } from '../../arguments.ts'
import { FormatError } from '../../errors.ts'
import { sizeOf } from '../../tensor.ts'
import type { ModelFiles } from '../model-files.ts'
import type { OpenedModel, ReadOptions, StatedImages } from '../opened-model.ts'
import type { HostTensor } from '../operators/host-tensor.ts'
import type { AttributeValue, OperatorGraph, OperatorNode } from '../operators/operator-graph.ts'
import { operatorNetwork } from '../operators/operator-network.ts'
import { statedOutput } from '../tensorflow/stated-output.ts'
import { builtinOperators } from './builtin-operators.ts'
import { FlatTable } from './flatbuffer.ts'
import { statedInMetadata } from './metadata.ts'
import { saturation, tfliteOperators, unreadTensor } from './operators.ts'
import { attributesOf } from './options.ts'
import { numbersOf, readTensors, saturationOf, storageWords, type TensorInfo, whyUnread } from './tensors.ts'

/**
 * TensorFlow Lite's files (.tflite): a FlatBuffer of its schema.fbs, version 3. The first of its graphs is the model. Quantised weights
 * and activations are meant as real numbers; what rounding them changes is not imitated.
 */

/** @throws FormatError for a file that is damaged, UnsupportedModelError for one that asks for what can't be done */
export async function readTflite({ bytes }: ModelFiles, options: ReadOptions): Promise<OpenedModel> {
  const model = FlatTable.rootOf(bytes)
  const version = model.number(0, 'uint32')
  if (version !== 3) throw new FormatError(`it is of version ${version} of TensorFlow Lite's schema; expected 3`)
  const [main] = model.tables(2)
  if (!main) throw new FormatError('it holds no graph')
  const buffers = new Buffers(model, bytes)
  const tensors = readTensors(main.tables(0))
  const graph = graphOf(main, tensors, operatorNames(model), buffers)
  const network = operatorNetwork(graph, tfliteOperators, options)
  const producer = model.text(3)
  const runtime = buffers.named('min_runtime_version')
  const input = tensors.find(({ name }) => name === graph.inputs[0].name)
  const images: StatedImages = {
    ...(input && statedByInput(input)),
    ...statedOutput(network.nodes, graph.outputs, {
      SOFTMAX: 'probabilities',
      LOGISTIC: 'sigmoid',
      LOG_SOFTMAX: 'log-probabilities',
    }),
    ...(await statedInMetadata(buffers.named('TFLITE_METADATA'), bytes)),
  }
  const stored = new Set(tensors.filter(({ buffer }) => buffers.at(buffer).length > 0).map(storageWords))
  stored.delete(undefined)
  return {
    network,
    metadata: {},
    origin: {
      format: 'TensorFlow Lite',
      ...(producer && { producer: producer.slice(0, 200) }),
      version: runtime ? `schema 3, for runtimes from ${textOf(runtime)} on` : 'schema 3',
      ...(stored.size > 0 && { storage: [...stored].sort().join(', ') }),
    },
    images,
  }
}

/** Text of a fixed length, with zeros behind it. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, 32)).replace(/\0.*/s, '')
}

/** The numbers of a file's tensors, in buffers that several may share. */
class Buffers {
  private readonly tables: readonly FlatTable[]
  private readonly places: ReadonlyMap<string, number>

  constructor(
    model: FlatTable,
    private readonly file: Uint8Array,
  ) {
    this.tables = model.tables(4)
    this.places = new Map(model.tables(6).map((entry) => [entry.text(0) ?? '', entry.number(1, 'uint32')]))
  }

  /** No bytes where there are none. Files of more than 2 GB have them behind the FlatBuffer. */
  at(place: number): Uint8Array {
    const table = this.tables[place]
    if (!table) throw new FormatError(`it speaks of buffer ${place}; it has ${this.tables.length}`)
    const [begin, size] = [table.number(1, 'int64'), table.number(2, 'int64')]
    if (begin <= 1) return table.bytes(0) ?? new Uint8Array(0)
    if (!(size >= 0 && begin + size <= this.file.length))
      throw new FormatError(`buffer ${place} is ${size} bytes at ${begin}; the file has ${this.file.length}`)
    return this.file.subarray(begin, begin + size)
  }

  /** What the file says beside its graph. */
  named(name: string): Uint8Array | undefined {
    const place = this.places.get(name)
    return place === undefined ? undefined : this.at(place)
  }
}

/** The names of the operators that a file's nodes speak of by their places. */
function operatorNames(model: FlatTable): string[] {
  return model.tables(1).map((code) => {
    // Numbers from 127 on have a field of their own, which older files do not have.
    const number = Math.max(code.number(0, 'int8'), code.number(3, 'int32'))
    const name = builtinOperators[number] ?? `operator ${number}`
    return name === 'CUSTOM' ? (code.text(1) ?? name) : name
  })
}

function graphOf(
  main: FlatTable,
  tensors: readonly TensorInfo[],
  operators: readonly string[],
  buffers: Buffers,
): OperatorGraph {
  const tensorAt = (place: number) => {
    const tensor = tensors[place]
    if (!tensor) throw new FormatError(`it speaks of tensor ${place}; it has ${tensors.length}`)
    return tensor
  }
  const inputs = main.numbers(1, 'int32').map((place) => {
    const { name, type, openShape } = tensorAt(place)
    return { name, type, shape: openShape }
  })
  if (inputs.length === 0) throw new FormatError('its graph takes no input')
  const outputs = main.numbers(2, 'int32').map((place) => tensorAt(place).name)
  const nodes = main.tables(3).map((table) => nodeOf(table, operators, tensorAt))
  const made = new Set([...inputs.map(({ name }) => name), ...nodes.flatMap((node) => node.outputs)])
  const used = new Set([...nodes.flatMap((node) => node.inputs), ...outputs])
  const given = tensors.filter(({ name }) => used.has(name) && !made.has(name))
  const unread = given.flatMap((info) => {
    const why = whyUnread(info)
    return why === undefined ? [] : [unreadNode(info.name, why)]
  })
  return { nodes: [...unread, ...nodes], constants: constantsOf(given, buffers), inputs, outputs }
}

function nodeOf(table: FlatTable, operators: readonly string[], tensorAt: (place: number) => TensorInfo): OperatorNode {
  const place = table.number(0, 'uint32')
  const operator = operators[place]
  if (operator === undefined) throw new FormatError(`it speaks of operator ${place}; it has ${operators.length}`)
  const named = (places: readonly number[]) => places.map((one) => (one === -1 ? '' : tensorAt(one).name))
  const outputs = table.numbers(2, 'int32')
  const limits = outputs.length > 0 && outputs[0] !== -1 ? saturationOf(tensorAt(outputs[0])) : undefined
  const attributes: Record<string, AttributeValue> = {
    ...attributesOf(operator, table.table(4)),
    ...(limits && { [saturation]: limits }),
  }
  const names = named(outputs)
  // Nodes have no names of their own.
  const name = names.find((one) => one !== '') ?? operator
  return { name, operator, version: 1, inputs: named(table.numbers(1, 'int32')), outputs: names, attributes }
}

const unreadNode = (name: string, why: string): OperatorNode => ({
  name,
  operator: unreadTensor,
  version: 1,
  inputs: [],
  outputs: [name],
  attributes: { why },
})

/** A file's tensors share buffers now and then, never all of them: so many numbers are made of one byte at most. */
const mostOfOneByte = 16

function constantsOf(given: readonly TensorInfo[], buffers: Buffers): Map<string, HostTensor> {
  const constants = new Map<string, HostTensor>()
  let [numbers, bytes] = [0, 1_000_000]
  const seen = new Set<number>()
  for (const info of given) {
    if (whyUnread(info) !== undefined) continue
    const stored = buffers.at(info.buffer)
    // Nothing makes it: it is said where it is needed.
    if (stored.length === 0 && sizeOf(info.shape) > 0) continue
    if (!seen.has(info.buffer)) bytes += stored.length
    seen.add(info.buffer)
    numbers += sizeOf(info.shape)
    if (numbers > mostOfOneByte * bytes)
      throw new FormatError(`its tensors share the buffer of ${shown(info.name)} too often`)
    constants.set(info.name, numbersOf(info, stored))
  }
  return constants
}

/** What the input says of itself. Of a quantised one a byte is a pixel: what that stands for is what the network takes. */
function statedByInput({ storage, quantisation, shape }: TensorInfo): StatedImages {
  const channels = shape.at(-1) ?? 0
  if (shape.length !== 4 || (channels !== 1 && channels !== 3)) return {}
  const layout = { value: 'NHWC', source: "TensorFlow Lite's operators" } as const
  if (storage !== 'UINT8' || !quantisation) return { layout }
  const [scale, zeroPoint] = [quantisation.scales[0], quantisation.zeroPoints[0] ?? 0]
  return {
    layout,
    preprocessing: {
      value: { scale: [scale], offset: [-zeroPoint * scale] },
      source: "the quantisation of the file's input, whose bytes are pixels",
    },
  }
}
