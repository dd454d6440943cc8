import { PbfWriter } from 'pbf'
import type { NumberArray } from '../operators/host-tensor.ts'

/**
 * ONNX's messages as bytes (onnx.proto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto): those that a model of floats needs,
 * with the numbers of their fields.
 */

export interface OnnxNode {
  readonly operator: string
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, OnnxAttribute>>
}

/** Numbers are floats where they are asked to be, else integers. */
export type OnnxAttribute = number | string | readonly number[] | { readonly float: number }

export interface OnnxInitializer {
  readonly name: string
  readonly shape: readonly number[]
  /** Written as int64 and int32 where they are such, else as float32. */
  readonly data: NumberArray | BigInt64Array
}

export interface OnnxPort {
  readonly name: string
  /** A text names an extent that is open. */
  readonly shape: readonly (number | string)[]
}

export interface OnnxModel {
  readonly producer: string
  readonly version: string
  readonly opset: number
  readonly nodes: readonly OnnxNode[]
  readonly initializers: readonly OnnxInitializer[]
  readonly inputs: readonly OnnxPort[]
  readonly outputs: readonly OnnxPort[]
  readonly metadata: Readonly<Record<string, string>>
}

/** The first version of the file's own format that knows opset 17. */
const irVersion = 8

const dataTypes = { float: 1, int32: 6, int64: 7 }

export function onnxBytes(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const pbf = new PbfWriter()
  pbf.writeVarintField(1, irVersion)
  pbf.writeStringField(2, model.producer)
  pbf.writeStringField(3, model.version)
  pbf.writeMessage(7, writeGraph, model)
  pbf.writeMessage(8, (opset: number, to) => to.writeVarintField(2, opset), model.opset)
  for (const entry of Object.entries(model.metadata)) pbf.writeMessage(14, writeEntry, entry)
  return Uint8Array.from(pbf.finish())
}

function writeGraph({ nodes, initializers, inputs, outputs }: OnnxModel, pbf: PbfWriter): void {
  for (const node of nodes) pbf.writeMessage(1, writeNode, node)
  pbf.writeStringField(2, 'limelight')
  for (const initializer of initializers) pbf.writeMessage(5, writeInitializer, initializer)
  for (const port of inputs) pbf.writeMessage(11, writePort, port)
  for (const port of outputs) pbf.writeMessage(12, writePort, port)
}

function writeNode({ operator, name, inputs, outputs, attributes }: OnnxNode, pbf: PbfWriter): void {
  for (const input of inputs) pbf.writeStringField(1, input)
  for (const output of outputs) pbf.writeStringField(2, output)
  pbf.writeStringField(3, name)
  pbf.writeStringField(4, operator)
  for (const attribute of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, attribute)
}

function writeAttribute([name, value]: readonly [string, OnnxAttribute], pbf: PbfWriter): void {
  const kinds = { float: 1, int: 2, string: 3, ints: 7 }
  pbf.writeStringField(1, name)
  if (typeof value === 'string') {
    pbf.writeBytesField(4, new TextEncoder().encode(value))
    pbf.writeVarintField(20, kinds.string)
  } else if (typeof value === 'number') {
    pbf.writeVarintField(3, value)
    pbf.writeVarintField(20, kinds.int)
  } else if ('float' in value) {
    pbf.writeFloatField(2, value.float)
    pbf.writeVarintField(20, kinds.float)
  } else {
    for (const item of value) pbf.writeVarintField(8, item)
    pbf.writeVarintField(20, kinds.ints)
  }
}

function writeInitializer({ name, shape, data }: OnnxInitializer, pbf: PbfWriter): void {
  for (const extent of shape) pbf.writeVarintField(1, extent)
  const stored = data instanceof BigInt64Array || data instanceof Int32Array ? data : Float32Array.from(data)
  const type = stored instanceof Float32Array ? 'float' : stored instanceof Int32Array ? 'int32' : 'int64'
  pbf.writeVarintField(2, dataTypes[type])
  pbf.writeStringField(8, name)
  pbf.writeBytesField(9, new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength))
}

function writePort({ name, shape }: OnnxPort, pbf: PbfWriter): void {
  pbf.writeStringField(1, name)
  pbf.writeMessage(
    2,
    (port: OnnxPort['shape'], type) => {
      type.writeMessage(
        1,
        (extents: OnnxPort['shape'], tensor) => {
          tensor.writeVarintField(1, dataTypes.float)
          tensor.writeMessage(
            2,
            (dimensions: OnnxPort['shape'], to) => {
              for (const dimension of dimensions) to.writeMessage(1, writeDimension, dimension)
            },
            extents,
          )
        },
        port,
      )
    },
    shape,
  )
}

function writeDimension(dimension: number | string, pbf: PbfWriter): void {
  if (typeof dimension === 'number') pbf.writeVarintField(1, dimension)
  else pbf.writeStringField(2, dimension)
}

function writeEntry([key, value]: readonly [string, string], pbf: PbfWriter): void {
  pbf.writeStringField(1, key)
  pbf.writeStringField(2, value)
}
