import { PbfWriter } from 'pbf'

/** ONNX files as tests need them: with what an exporter would not write, too. */

export interface TestTensor {
  readonly name?: string
  readonly dims: readonly number[]
  /** TensorProto.DataType; float unless given. */
  readonly type?: number
  readonly floats?: readonly number[]
  readonly integers?: readonly number[]
  readonly raw?: Uint8Array
  readonly external?: Readonly<Record<string, string>>
}

export type TestAttribute =
  | number
  | string
  | readonly number[]
  | { readonly tensor: TestTensor }
  | { readonly graph: TestGraph }

export interface TestNode {
  readonly name?: string
  readonly operator: string
  readonly domain?: string
  readonly inputs?: readonly string[]
  readonly outputs?: readonly string[]
  readonly attributes?: Readonly<Record<string, TestAttribute>>
  /** Attributes that stand for those of the calling node, in a function. */
  readonly references?: Readonly<Record<string, string>>
}

export interface TestInput {
  readonly name: string
  /** A text is the name of an extent that is left open. */
  readonly shape?: readonly (number | string)[]
  readonly type?: number
  readonly denotations?: readonly string[]
}

export interface TestGraph {
  readonly nodes?: readonly TestNode[]
  readonly initializers?: readonly TestTensor[]
  readonly inputs?: readonly TestInput[]
  readonly outputs?: readonly string[]
}

export interface TestFunction {
  readonly name: string
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly nodes: readonly TestNode[]
}

export interface TestModel extends TestGraph {
  readonly irVersion?: number
  readonly opset?: number | null
  readonly producer?: readonly [name: string, version: string]
  readonly metadata?: Readonly<Record<string, string>>
  readonly functions?: readonly TestFunction[]
}

export function onnxFile(model: TestModel): Uint8Array {
  const { irVersion = 8, opset = 17, producer, metadata = {}, functions = [] } = model
  const pbf = new PbfWriter()
  pbf.writeVarintField(1, irVersion)
  if (producer) {
    pbf.writeStringField(2, producer[0])
    pbf.writeStringField(3, producer[1])
  }
  pbf.writeMessage(7, writeGraph, model)
  if (opset !== null) pbf.writeMessage(8, writeOpset, opset)
  for (const entry of Object.entries(metadata)) pbf.writeMessage(14, writeEntry, entry)
  for (const made of functions) pbf.writeMessage(25, writeFunction, made)
  return Uint8Array.from(pbf.finish())
}

export function tensorFile(tensor: TestTensor): Uint8Array {
  const pbf = new PbfWriter()
  writeTensor(tensor, pbf)
  return Uint8Array.from(pbf.finish())
}

function writeOpset(version: number, pbf: PbfWriter): void {
  pbf.writeStringField(1, '')
  pbf.writeVarintField(2, version)
}

function writeEntry([key, value]: readonly [string, string], pbf: PbfWriter): void {
  pbf.writeStringField(1, key)
  pbf.writeStringField(2, value)
}

function writeGraph({ nodes = [], initializers = [], inputs = [], outputs = [] }: TestGraph, pbf: PbfWriter): void {
  for (const node of nodes) pbf.writeMessage(1, writeNode, node)
  for (const tensor of initializers) pbf.writeMessage(5, writeTensor, tensor)
  for (const input of inputs) pbf.writeMessage(11, writeValue, input)
  for (const name of outputs) pbf.writeMessage(12, writeValue, { name })
}

function writeNode(node: TestNode, pbf: PbfWriter): void {
  const { name = '', operator, domain = '', inputs = [], outputs = [], attributes = {}, references = {} } = node
  for (const input of inputs) pbf.writeStringField(1, input)
  for (const output of outputs) pbf.writeStringField(2, output)
  pbf.writeStringField(3, name)
  pbf.writeStringField(4, operator)
  for (const entry of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, entry)
  for (const entry of Object.entries(references)) pbf.writeMessage(5, writeReference, entry)
  pbf.writeStringField(7, domain)
}

function writeReference([name, reference]: readonly [string, string], pbf: PbfWriter): void {
  pbf.writeStringField(1, name)
  pbf.writeStringField(21, reference)
}

function writeAttribute([name, value]: readonly [string, TestAttribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name)
  const typed = (type: number) => pbf.writeVarintField(20, type)
  if (typeof value === 'number') {
    if (Number.isInteger(value)) pbf.writeVarintField(3, value)
    else pbf.writeFloatField(2, value)
    typed(Number.isInteger(value) ? 2 : 1)
  } else if (typeof value === 'string') {
    pbf.writeStringField(4, value)
    typed(3)
  } else if ('tensor' in value) {
    pbf.writeMessage(5, writeTensor, value.tensor)
    typed(4)
  } else if ('graph' in value) {
    pbf.writeMessage(6, writeGraph, value.graph)
    typed(5)
  } else {
    const isWhole = value.every(Number.isInteger)
    for (const one of value) {
      if (isWhole) pbf.writeVarintField(8, one)
      else pbf.writeFloatField(7, one)
    }
    typed(isWhole ? 7 : 6)
  }
}

function writeTensor({ name = '', dims, type = 1, floats, integers, raw, external }: TestTensor, pbf: PbfWriter): void {
  for (const extent of dims) pbf.writeVarintField(1, extent)
  pbf.writeVarintField(2, type)
  if (floats) pbf.writePackedFloat(4, [...floats])
  // int32_data, or int64_data.
  if (integers) pbf.writePackedVarint(type === 7 ? 7 : 5, [...integers])
  pbf.writeStringField(8, name)
  if (raw) pbf.writeBytesField(9, raw)
  for (const entry of Object.entries(external ?? {})) pbf.writeMessage(13, writeEntry, entry)
  if (external) pbf.writeVarintField(14, 1)
}

function writeValue(input: TestInput, pbf: PbfWriter): void {
  pbf.writeStringField(1, input.name)
  pbf.writeMessage(2, (value, type) => type.writeMessage(1, writeTensorType, value), input)
}

function writeTensorType({ type = 1, shape, denotations = [] }: TestInput, pbf: PbfWriter): void {
  pbf.writeVarintField(1, type)
  const axes = shape?.map((extent, axis) => ({ extent, denotation: denotations[axis] }))
  if (axes) pbf.writeMessage(2, writeShape, axes)
}

interface TestAxis {
  readonly extent: number | string
  readonly denotation: string | undefined
}

function writeShape(axes: readonly TestAxis[], pbf: PbfWriter): void {
  for (const axis of axes) pbf.writeMessage(1, writeAxis, axis)
}

function writeAxis({ extent, denotation }: TestAxis, pbf: PbfWriter): void {
  if (typeof extent === 'number') pbf.writeVarintField(1, extent)
  else pbf.writeStringField(2, extent)
  if (denotation !== undefined) pbf.writeStringField(3, denotation)
}

function writeFunction({ name, domain, inputs, outputs, nodes }: TestFunction, pbf: PbfWriter): void {
  pbf.writeStringField(1, name)
  for (const input of inputs) pbf.writeStringField(4, input)
  for (const output of outputs) pbf.writeStringField(5, output)
  for (const node of nodes) pbf.writeMessage(7, writeNode, node)
  pbf.writeMessage(9, writeOpset, 17)
  pbf.writeStringField(10, domain)
}
