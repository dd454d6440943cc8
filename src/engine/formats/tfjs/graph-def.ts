import * as v from 'valibot'
import { items, orLeftOut, parsed, shown, text } from '../../arguments.ts'
import { FormatError } from '../../errors.ts'
import type { AttributeValue, OperatorNode } from '../operators/operator-graph.ts'
import { isJsonObject, type JsonObject } from '../strict-json.ts'

/**
 * TensorFlow's GraphDef as TensorFlow.js writes it: protobuf's JSON, where whole numbers are texts and bytes are base64. Tensors are named
 * by the node that makes them, with :1, :2, … behind it for all but its first output.
 */

const nodeSchema = v.object({
  name: text,
  op: text,
  input: orLeftOut(v.array(text)),
  attr: orLeftOut(v.record(v.string(), v.unknown())),
})
const graphSchema = v.object({
  node: items<unknown>('a node, an object', isJsonObject),
})

export interface GraphNode {
  readonly name: string
  readonly operator: string
  /** Names of tensors. What only has to be run before (^name) is left out. */
  readonly inputs: readonly string[]
  readonly attributes: Readonly<Record<string, AttributeValue>>
}

/** @param topology model.json's `modelTopology` @throws FormatError for what is no graph */
export function graphNodes(topology: unknown): GraphNode[] {
  const { node: nodes } = parsed('its "modelTopology"', graphSchema, topology)
  return nodes.map((given, place) => {
    const { name, op, input = [], attr = {} } = parsed(`node ${place} of its graph`, nodeSchema, given)
    const inputs = input.filter((tensor) => !tensor.startsWith('^')).map(tensorName)
    return { name, operator: op, inputs, attributes: attributesOf(attr) }
  })
}

/** A first output goes by its node's name alone. */
function tensorName(name: string): string {
  return name.endsWith(':0') ? name.slice(0, -2) : name
}

/** Which node makes a tensor, and which of its outputs it is. */
export function makerOf(tensor: string): readonly [node: string, output: number] {
  const [, node, output] = /^(.*):(\d{1,3})$/.exec(tensor) ?? ['', tensor, '0']
  return [node, Number(output)]
}

/** Of all nodes together; a name that ends in :999 asks for a thousand. */
const mostOutputs = 2 ** 18

/** With as many outputs as others take of each node. @throws FormatError for more than any graph has */
export function withOutputs(nodes: readonly GraphNode[], wanted: readonly string[]): OperatorNode[] {
  const counts = new Map<string, number>()
  for (const tensor of [...nodes.flatMap(({ inputs }) => inputs), ...wanted]) {
    const [node, output] = makerOf(tensor)
    counts.set(node, Math.max(counts.get(node) ?? 1, output + 1))
  }
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  if (all > mostOutputs) throw new FormatError(`its nodes have ${all} outputs; at most ${mostOutputs} can be`)
  return nodes.map(({ name, operator, inputs, attributes }) => {
    const count = counts.get(name) ?? 1
    const outputs = Array.from({ length: count }, (_, i) => (i === 0 ? name : `${name}:${i}`))
    return { name, operator, version: 1, inputs, outputs, attributes }
  })
}

function attributesOf(attributes: JsonObject): Record<string, AttributeValue> {
  const known = Object.entries(attributes).flatMap(([name, value]): [string, AttributeValue][] => {
    const read = isJsonObject(value) ? attributeOf(value) : undefined
    return read === undefined ? [] : [[name, read]]
  })
  return Object.fromEntries(known)
}

/** undefined for what no operator here asks for: tensors and functions. */
function attributeOf(value: JsonObject): AttributeValue | undefined {
  if ('b' in value) return value.b === true
  if ('i' in value) return numberOf(value.i)
  if ('f' in value) return numberOf(value.f)
  if ('s' in value) return textOf(value.s)
  if ('type' in value) return String(value.type)
  if ('shape' in value) return shapeOf(value.shape)?.map((extent) => extent ?? -1)
  if (isJsonObject(value.list)) return listOf(value.list)
  return undefined
}

function listOf(list: JsonObject): readonly number[] | readonly string[] {
  if (Array.isArray(list.i)) return list.i.map(numberOf)
  if (Array.isArray(list.f)) return list.f.map(numberOf)
  if (Array.isArray(list.s)) return list.s.map(textOf)
  if (Array.isArray(list.type)) return list.type.map(String)
  return []
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
  if (Number.isNaN(number)) throw new FormatError(`its graph has ${shown(value)} where a number is expected`)
  return number
}

/** Bytes are written as base64, by some writers as a list of numbers. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return String.fromCharCode(...value.slice(0, 1000).map(numberOf))
  if (typeof value !== 'string') throw new FormatError(`its graph has ${shown(value)} where a text is expected`)
  try {
    return atob(value)
  } catch {
    throw new FormatError(`its graph has ${shown(value)} where base64 is expected`)
  }
}

/** A TensorShapeProto: null for what is left open, undefined where even the number of axes is. */
export function shapeOf(shape: unknown): (number | null)[] | undefined {
  if (!isJsonObject(shape) || shape.unknownRank === true || !Array.isArray(shape.dim)) return undefined
  return shape.dim.map((dim: unknown) => {
    const extent = isJsonObject(dim) && dim.size !== undefined ? numberOf(dim.size) : -1
    if (!Number.isSafeInteger(extent) || extent < -1)
      throw new FormatError(`its graph has an axis of ${extent}; expected a whole number`)
    return extent === -1 ? null : extent
  })
}

/** What a signature says of an input or an output. */
export interface SignatureTensor {
  /** What callers call it. */
  readonly key: string
  readonly tensor: string
  /** undefined where it does not say. */
  readonly shape: readonly (number | null)[] | undefined
}

/** The tensors that a model's signature names, in its order; undefined where it has none. */
export function signatureTensors(signature: unknown, which: 'inputs' | 'outputs'): SignatureTensor[] | undefined {
  const named = isJsonObject(signature) ? signature[which] : undefined
  if (!isJsonObject(named) || Object.keys(named).length === 0) return undefined
  return Object.entries(named).map(([key, info]) => {
    const name = isJsonObject(info) && typeof info.name === 'string' ? info.name : key
    return { key, tensor: tensorName(name), shape: isJsonObject(info) ? shapeOf(info.tensorShape) : undefined }
  })
}
