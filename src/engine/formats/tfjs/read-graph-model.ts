import * as v from 'valibot'
import { orLeftOut, parsed, text } from '../../arguments.ts'
import { FormatError } from '../../errors.ts'
import type { ModelFiles } from '../model-files.ts'
import type { OpenedModel, ReadOptions } from '../opened-model.ts'
import type { HostTensor } from '../operators/host-tensor.ts'
import type { OperatorFunction, OperatorSet } from '../operators/operator-call.ts'
import type { GraphInput, OperatorGraph } from '../operators/operator-graph.ts'
import { operatorNetwork } from '../operators/operator-network.ts'
import { parseStrictJson } from '../strict-json.ts'
import { tensorFlowOperators } from '../tensorflow/operators.ts'
import { statedOutput } from '../tensorflow/stated-output.ts'
import {
  type GraphNode,
  graphNodes,
  makerOf,
  type SignatureTensor,
  signatureTensors,
  withOutputs,
} from './graph-def.ts'
import { readWeights, type WebWeights } from './weights.ts'

/**
 * TensorFlow.js's graph models: model.json with a graph of TensorFlow's operators, as its converter writes it of a SavedModel, and the
 * weights of its constants beside it.
 */

const modelSchema = v.object({
  modelTopology: v.unknown(),
  weightsManifest: v.unknown(),
  signature: v.unknown(),
  userDefinedMetadata: v.unknown(),
  generatedBy: orLeftOut(v.nullable(text)),
  convertedBy: orLeftOut(v.nullable(text)),
})

/** A constant whose values are not among the weights, or are no numbers. */
const unreadConstant: OperatorFunction = (call) => call.unsupported(call.text('why'))

const graphOperators: OperatorSet = {
  name: 'TensorFlow.js graph',
  find({ operator }) {
    if (operator === 'Const') return unreadConstant
    return Object.hasOwn(tensorFlowOperators, operator) ? tensorFlowOperators[operator] : undefined
  },
}

/** @throws FormatError for a model that is damaged, UnsupportedModelError for one that asks for what can't be done */
export async function readGraphModel(files: ModelFiles, options: ReadOptions): Promise<OpenedModel> {
  const json = parseStrictJson(new TextDecoder().decode(files.bytes), 'model.json')
  const model = parsed('model.json', v.partial(modelSchema), json)
  const nodes = graphNodes(model.modelTopology)
  const weights = await readWeights(model.weightsManifest ?? [], files)
  const graph = graphOf(nodes, weights, signatureOf(model))
  const network = operatorNetwork(graph, graphOperators, options)
  const [input] = graph.inputs
  const last = input.shape.at(-1)
  const takesImages = input.shape.length === 4 && (last === 1 || last === 3)
  return {
    network,
    metadata: {},
    origin: {
      format: 'TensorFlow.js graph model',
      ...(model.convertedBy && { producer: model.convertedBy.slice(0, 200) }),
      ...(model.generatedBy && { version: `TensorFlow ${model.generatedBy.slice(0, 200)}` }),
      ...(weights.storage && { storage: weights.storage }),
    },
    images: {
      ...(takesImages && { layout: { value: 'NHWC', source: 'the shape of its input' } }),
      ...statedOutput(network.nodes, graph.outputs, {
        LogSoftmax: 'log-probabilities',
        Sigmoid: 'sigmoid',
        Softmax: 'probabilities',
      }),
    },
  }
}

interface Signature {
  readonly inputs: readonly SignatureTensor[] | undefined
  readonly outputs: readonly SignatureTensor[] | undefined
}

/** Older converters put it among the user's metadata. */
function signatureOf({
  signature,
  userDefinedMetadata,
}: {
  signature?: unknown
  userDefinedMetadata?: unknown
}): Signature {
  const metadata = typeof userDefinedMetadata === 'object' ? userDefinedMetadata : null
  const given = signature ?? (metadata && Reflect.get(metadata, 'signature'))
  return { inputs: signatureTensors(given, 'inputs'), outputs: signatureTensors(given, 'outputs') }
}

const isPlaceholder = ({ operator }: GraphNode) => operator === 'Placeholder'

function graphOf(nodes: readonly GraphNode[], weights: WebWeights, signature: Signature): OperatorGraph {
  const placeholders = new Map(nodes.filter(isPlaceholder).map((node) => [node.name, node]))
  const inputs = signature.inputs
    ? signature.inputs.map(({ tensor, shape }) => inputOf(placeholders.get(tensor), tensor, shape))
    : [...placeholders].map(([name, node]) => inputOf(node, name, undefined))
  if (inputs.length === 0) throw new FormatError('its graph takes no input: it has no Placeholder')
  const outputs = signature.outputs?.map(({ tensor }) => tensor) ?? ends(nodes)
  const given = new Set(inputs.map(({ name }) => name))
  const constants = new Map<string, HostTensor>()
  for (const { name, operator } of nodes) {
    const tensor = operator === 'Const' ? weights.tensors.get(name) : undefined
    if (tensor) constants.set(name, tensor)
  }
  const others = nodes.filter(({ name }) => !given.has(name) && !constants.has(name))
  return { nodes: withOutputs(others.map(explained(weights)), outputs), constants, inputs, outputs }
}

/** Of a constant that could not be read why. */
function explained({ others }: WebWeights) {
  return (node: GraphNode): GraphNode => {
    if (node.operator !== 'Const') return node
    const dtype = others.get(node.name)
    const why = dtype ? `its values are of type ${dtype}` : 'its values are not among the weights'
    return { ...node, attributes: { why } }
  }
}

function inputOf(node: GraphNode | undefined, name: string, signed: SignatureTensor['shape']): GraphInput {
  const own = node?.attributes.shape
  const stated = Array.isArray(own) ? own.map((extent) => (extent === -1 ? null : Number(extent))) : undefined
  const shape = signed ?? stated
  if (!shape) throw new FormatError(`its input ${name} says nothing of its shape; expected a batch and a sample's axes`)
  const type = String(node?.attributes.dtype ?? 'DT_FLOAT')
  return { name, type: /INT/.test(type) ? 'integer' : /BOOL/.test(type) ? 'boolean' : 'float', shape }
}

/** Nodes that no other node needs. */
function ends(nodes: readonly GraphNode[]): string[] {
  const used = new Set(nodes.flatMap(({ inputs }) => inputs.map((tensor) => makerOf(tensor)[0])))
  const isEnd = ({ name, operator }: GraphNode) =>
    !used.has(name) && !['Const', 'NoOp', 'Placeholder'].includes(operator)
  return nodes.filter(isEnd).map(({ name }) => name)
}
