import { FormatError } from '../../errors.ts'
import { type Field, readMessage } from './protobuf.ts'

/**
 * The messages of an ONNX file (onnx.proto3 of the standard) as plain data, with what a network needs of them. Numbers stay where
 * they are in the file: a tensor's bytes are a view of it.
 */

export interface ModelProto {
  readonly irVersion: number
  readonly producer: string
  readonly producerVersion: string
  /** By domain: '' is the standard's own. */
  readonly opsets: ReadonlyMap<string, number>
  readonly graph: GraphProto
  readonly functions: readonly FunctionProto[]
  readonly metadata: ReadonlyMap<string, string>
}

export interface GraphProto {
  readonly nodes: readonly NodeProto[]
  readonly initializers: readonly TensorProto[]
  /** Names of tensors that the file has as their nonzero elements alone. */
  readonly sparse: readonly string[]
  readonly inputs: readonly ValueProto[]
  readonly outputs: readonly ValueProto[]
}

export interface NodeProto {
  readonly name: string
  readonly operator: string
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: readonly AttributeProto[]
}

/** Its value is that which its type names. */
export interface AttributeProto {
  readonly name: string
  readonly type: number
  readonly f: number
  readonly i: number
  readonly s: string
  readonly t: TensorProto | null
  readonly g: GraphProto | null
  readonly floats: readonly number[]
  readonly ints: readonly number[]
  readonly strings: readonly string[]
  /** In a function: the attribute of the calling node that it stands for. */
  readonly reference: string
}

export interface TensorProto {
  readonly name: string
  readonly dims: readonly number[]
  /** TensorProto.DataType */
  readonly type: number
  readonly raw: Uint8Array | null
  readonly floats: readonly Float32Array[]
  readonly doubles: readonly Float64Array[]
  /** int32_data, int64_data or uint64_data. */
  readonly integers: readonly number[]
  /** location, offset, length; null where the numbers are in this file. */
  readonly external: ReadonlyMap<string, string> | null
}

export interface ValueProto {
  readonly name: string
  /** What its numbers are: TensorProto.DataType; 0 where it is no tensor. */
  readonly type: number
  /** null where the file says nothing of its axes; an extent is null where it leaves it open. */
  readonly shape: readonly (number | null)[] | null
  /** What the tensor means, 'IMAGE' say. */
  readonly denotation: string
  /** What each axis means, 'DATA_CHANNEL' say; '' where the file does not say. */
  readonly axes: readonly string[]
}

export interface FunctionProto {
  readonly name: string
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly nodes: readonly NodeProto[]
  readonly opsets: ReadonlyMap<string, number>
  /** With their defaults. */
  readonly attributes: readonly AttributeProto[]
}

/** Graphs inside graphs: deeper ones no exporter writes, and a stack holds. */
const deepest = 16

/** A message that is being read. */
type Draft<T> = { -readonly [K in keyof T]: T[K] }

/** @throws FormatError */
export function readModelProto(bytes: Uint8Array): ModelProto {
  const opsets = new Map<string, number>()
  const metadata = new Map<string, string>()
  const functions: FunctionProto[] = []
  const graphs: GraphProto[] = []
  const model = { irVersion: 0, producer: '', producerVersion: '' }
  readMessage('the model', bytes, {
    1(field) {
      model.irVersion = field.integer()
    },
    2(field) {
      model.producer = field.text()
    },
    3(field) {
      model.producerVersion = field.text()
    },
    7: (field) => graphs.push(readGraph(field.bytes(), 0)),
    8: (field) => addOpset(field, opsets),
    14: (field) => addEntry(field, metadata),
    25: (field) => functions.push(readFunction(field.bytes())),
  })
  const graph = graphs.at(-1)
  if (!graph) throw new FormatError('the model has no graph')
  return { ...model, opsets, graph, functions, metadata }
}

function addOpset(field: Field, opsets: Map<string, number>): void {
  const opset = { domain: '', version: 0 }
  readMessage('an opset', field.bytes(), {
    1(part) {
      opset.domain = domainOf(part)
    },
    2(part) {
      opset.version = part.integer()
    },
  })
  opsets.set(opset.domain, opset.version)
}

/** The standard's own has two names. */
function domainOf(field: Field): string {
  const domain = field.text()
  return domain === 'ai.onnx' ? '' : domain
}

function addEntry(field: Field, entries: Map<string, string>): void {
  const entry = { key: '', value: '' }
  readMessage('an entry', field.bytes(), {
    1(part) {
      entry.key = part.text()
    },
    2(part) {
      entry.value = part.text()
    },
  })
  entries.set(entry.key, entry.value)
}

function readGraph(bytes: Uint8Array, depth: number): GraphProto {
  if (depth > deepest) throw new FormatError(`graphs lie in graphs more than ${deepest} deep`)
  const nodes: NodeProto[] = []
  const initializers: TensorProto[] = []
  const sparse: string[] = []
  const inputs: ValueProto[] = []
  const outputs: ValueProto[] = []
  readMessage('a graph', bytes, {
    1: (field) => nodes.push(readNode(field.bytes(), depth)),
    5: (field) => initializers.push(readTensorProto(field.bytes())),
    11: (field) => inputs.push(readValue(field.bytes())),
    12: (field) => outputs.push(readValue(field.bytes())),
    15: (field) =>
      readMessage('a sparse tensor', field.bytes(), {
        // Its values are a tensor, whose name is the name of the whole.
        1: (part) => sparse.push(readTensorProto(part.bytes()).name),
      }),
  })
  return { nodes, initializers, sparse, inputs, outputs }
}

function readNode(bytes: Uint8Array, depth: number): NodeProto {
  const inputs: string[] = []
  const outputs: string[] = []
  const attributes: AttributeProto[] = []
  const node: Draft<NodeProto> = { name: '', operator: '', domain: '', inputs, outputs, attributes }
  readMessage('a node', bytes, {
    1: (field) => inputs.push(field.text()),
    2: (field) => outputs.push(field.text()),
    3(field) {
      node.name = field.text()
    },
    4(field) {
      node.operator = field.text()
    },
    5: (field) => attributes.push(readAttribute(field.bytes(), depth)),
    7(field) {
      node.domain = domainOf(field)
    },
  })
  return node
}

function readAttribute(bytes: Uint8Array, depth: number): AttributeProto {
  const floats: number[] = []
  const ints: number[] = []
  const strings: string[] = []
  const lists = { floats, ints, strings }
  const attribute: Draft<AttributeProto> = {
    name: '',
    type: 0,
    f: 0,
    i: 0,
    s: '',
    t: null,
    g: null,
    ...lists,
    reference: '',
  }
  readMessage('an attribute', bytes, {
    1(field) {
      attribute.name = field.text()
    },
    2(field) {
      attribute.f = field.float()
    },
    3(field) {
      attribute.i = field.integer()
    },
    4(field) {
      attribute.s = field.text()
    },
    5(field) {
      attribute.t = readTensorProto(field.bytes())
    },
    6(field) {
      attribute.g = readGraph(field.bytes(), depth + 1)
    },
    7: (field) => append(floats, field.floats()),
    8: (field) => append(ints, field.integers()),
    9: (field) => strings.push(field.text()),
    20(field) {
      attribute.type = field.integer()
    },
    21(field) {
      attribute.reference = field.text()
    },
  })
  return attribute
}

/** One by one: a list may be longer than a call may have arguments. */
function append(list: number[], more: Iterable<number>): void {
  for (const value of more) list.push(value)
}

/** @throws FormatError */
export function readTensorProto(bytes: Uint8Array): TensorProto {
  const dims: number[] = []
  const floats: Float32Array[] = []
  const doubles: Float64Array[] = []
  const integers: number[] = []
  const external = new Map<string, string>()
  const tensor: Draft<TensorProto> = { name: '', dims, type: 0, raw: null, floats, doubles, integers, external: null }
  readMessage('a tensor', bytes, {
    1: (field) => append(dims, field.integers()),
    2(field) {
      tensor.type = field.integer()
    },
    4: (field) => floats.push(field.floats()),
    5: (field) => append(integers, field.integers()),
    7: (field) => append(integers, field.integers()),
    8(field) {
      tensor.name = field.text()
    },
    9(field) {
      tensor.raw = field.bytes()
    },
    10: (field) => doubles.push(field.doubles()),
    11: (field) => append(integers, field.integers()),
    13: (field) => addEntry(field, external),
    14(field) {
      // TensorProto.DataLocation: 1 is in another file.
      tensor.external = field.integer() === 1 ? external : null
    },
  })
  return tensor
}

function readValue(bytes: Uint8Array): ValueProto {
  const axes: string[] = []
  const value: Draft<ValueProto> = { name: '', type: 0, shape: null, denotation: '', axes }
  readMessage('an input or output', bytes, {
    1(field) {
      value.name = field.text()
    },
    2: (field) => readType(field.bytes(), value, axes),
  })
  return value
}

function readType(bytes: Uint8Array, value: Draft<ValueProto>, axes: string[]): void {
  readMessage('a type', bytes, {
    1: (field) =>
      readMessage('a tensor type', field.bytes(), {
        1(part) {
          value.type = part.integer()
        },
        2(part) {
          value.shape = readShape(part.bytes(), axes)
        },
      }),
    6(field) {
      value.denotation = field.text()
    },
  })
}

function readShape(bytes: Uint8Array, axes: string[]): (number | null)[] {
  const extents: (number | null)[] = []
  readMessage('a shape', bytes, {
    1(field) {
      const axis = { extent: 0, denotation: '' }
      readMessage('an extent', field.bytes(), {
        1(part) {
          axis.extent = part.integer()
        },
        3(part) {
          axis.denotation = part.text()
        },
      })
      // Exporters write 0 and -1, too, for what they leave open.
      extents.push(axis.extent > 0 ? axis.extent : null)
      axes.push(axis.denotation)
    },
  })
  return extents
}

function readFunction(bytes: Uint8Array): FunctionProto {
  const inputs: string[] = []
  const outputs: string[] = []
  const nodes: NodeProto[] = []
  const attributes: AttributeProto[] = []
  const opsets = new Map<string, number>()
  const made: Draft<FunctionProto> = { name: '', domain: '', inputs, outputs, nodes, opsets, attributes }
  readMessage('a function', bytes, {
    1(field) {
      made.name = field.text()
    },
    4: (field) => inputs.push(field.text()),
    5: (field) => outputs.push(field.text()),
    7: (field) => nodes.push(readNode(field.bytes(), 0)),
    9: (field) => addOpset(field, opsets),
    10(field) {
      made.domain = domainOf(field)
    },
    11: (field) => attributes.push(readAttribute(field.bytes(), 0)),
  })
  return made
}
