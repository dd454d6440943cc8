import { UnsupportedModelError } from '../../errors.ts'
import { parseImages } from '../images-text.ts'
import { type ModelFiles, needed } from '../model-files.ts'
import type { ModelOrigin, OpenedModel, ReadOptions } from '../opened-model.ts'
import type { OperatorGraph } from '../operators/operator-graph.ts'
import { operatorNetwork } from '../operators/operator-network.ts'
import { externalLocations, onnxGraph } from './onnx-graph.ts'
import { statedImages } from './onnx-metadata.ts'
import { type ModelProto, readModelProto } from './onnx-proto.ts'
import { onnxOperators } from './operators.ts'
import { elementTypeName } from './tensor-data.ts'
import { producerName } from './written-by.ts'

/** Opsets of the standard's own operators whose meanings the table knows. */
const opsets = { oldest: 6, newest: 26 }

/**
 * Reads an ONNX model (https://onnx.ai): its graph becomes a network of the operators that it has.
 * @throws FormatError for a file that is damaged, or whose numbers lie in a file that is not beside it
 * @throws UnsupportedModelError with all that can't be run
 */
export async function readOnnx(files: ModelFiles, { inputShape }: ReadOptions = {}): Promise<OpenedModel> {
  const model = readModelProto(files.bytes)
  checkOpset(model)
  const external = new Map<string, Uint8Array>()
  for (const path of externalLocations(model)) external.set(path, await needed(files, path))
  const network = operatorNetwork(onnxGraph(model, external, inputShape), onnxOperators, { inputShape })
  return {
    network,
    ...metadataOf(model, network.graph),
    origin: originOf(model),
  }
}

/** Files that were written here say all that was known of their pictures. */
function metadataOf(model: ModelProto, graph: OperatorGraph): Pick<OpenedModel, 'metadata' | 'images'> {
  const images = statedImages(model, graph)
  if (model.producer !== producerName) return { metadata: Object.fromEntries(model.metadata), images }
  const { images: written, ...metadata } = Object.fromEntries(model.metadata)
  return { metadata, images: { ...images, ...parseImages(written) } }
}

function checkOpset({ opsets: asked }: ModelProto): void {
  const opset = asked.get('')
  const { oldest, newest } = opsets
  if (opset === undefined || (opset >= oldest && opset <= newest)) return
  const why = `Limelight knows ${oldest} to ${newest}; onnx.version_converter makes one of another`
  throw new UnsupportedModelError('ONNX', [{ node: 'the whole file', operator: `opset ${opset}`, why }])
}

function originOf({ producer, producerVersion, opsets, graph }: ModelProto): ModelOrigin {
  const opset = opsets.get('')
  const made = `${producer} ${producerVersion}`.trim()
  const types = new Set(graph.initializers.map(({ type }) => elementTypeName(type)).filter((type) => narrow.has(type)))
  return {
    format: 'ONNX',
    ...(made !== '' && { producer: made }),
    ...(opset !== undefined && { version: `opset ${opset}` }),
    ...(types.size > 0 && { storage: [...types].sort().join(', ') }),
  }
}

/** Types of weights that are stored otherwise than in 32 bits. */
const narrow = new Set(['float16', 'bfloat16', 'double', 'uint8', 'int8', 'uint16', 'int16'])
