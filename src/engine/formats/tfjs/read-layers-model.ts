import { FormatError } from '../../errors.ts'
import { kerasModel } from '../keras/read-keras.ts'
import { type FoundWeights, giveInOrder, type StoredWeight, type WeightPlace } from '../keras/stored-weights.ts'
import type { ModelFiles } from '../model-files.ts'
import type { OpenedModel, ReadOptions } from '../opened-model.ts'
import type { HostTensor } from '../operators/host-tensor.ts'
import { isJsonObject, parseStrictJson } from '../strict-json.ts'
import { readWeights } from './weights.ts'

/** Reads a TensorFlow.js layers model: Keras's description of it in model.json, and weights by their names in files beside it. */
export async function readLayersModel(files: ModelFiles, options: ReadOptions): Promise<OpenedModel> {
  const model = parseStrictJson(new TextDecoder().decode(files.bytes), 'the model.json')
  if (!isJsonObject(model) || !isJsonObject(model.modelTopology))
    throw new FormatError('this model.json has no modelTopology')
  const { modelTopology: topology, generatedBy, weightsManifest } = model
  const described = topology.model_config ?? topology
  const config = typeof described === 'string' ? parseStrictJson(described, 'its model_config') : described
  // What TensorFlow.js writes itself is Keras 2's.
  const written = typeof topology.keras_version === 'string' ? topology.keras_version.replace(/^tfjs.*/, '2') : '2'
  const { tensors, storage } = await readWeights(weightsManifest, files)
  const opened = await kerasModel(config, written, options, (places) => weightsByName(places, tensors), 'TensorFlow.js')
  const producer = typeof generatedBy === 'string' ? generatedBy : `Keras ${written}`
  return {
    ...opened,
    origin: { format: 'TensorFlow.js layers model', producer: producer.slice(0, 200), ...(storage && { storage }) },
  }
}

/**
 * By layer and weight, the last parts of a name: "conv1/kernel", or "model/conv1/kernel". Where weights are called otherwise, as Keras 3 calls
 * those of depthwise convolutions, by their order in the layer.
 */
function weightsByName(places: readonly WeightPlace[], tensors: ReadonlyMap<string, HostTensor>): FoundWeights {
  const byLayer = new Map<string, Map<string, StoredWeight>>()
  for (const [name, { shape, data }] of tensors) {
    const parts = name.replace(/:\d+$/, '').split('/')
    const [layer, weight] = [parts.slice(-2, -1).join(), parts.slice(-1).join()]
    const own = byLayer.get(layer) ?? new Map<string, StoredWeight>()
    byLayer.set(layer, own.set(weight, { shape, numbers: async () => data }))
  }
  const found: FoundWeights = new Map()
  for (const place of leavesOf(places)) {
    const own = byLayer.get(place.name)
    if (!own) continue
    const named = place.weights.map(({ name }) => own.get(name.slice(name.lastIndexOf('/') + 1)))
    const all = named.every((weight) => weight !== undefined)
    giveInOrder(place, all ? named : [...own.values()], found)
  }
  return found
}

/** Layers that are no models, wherever they are. */
function leavesOf(places: readonly WeightPlace[]): WeightPlace[] {
  return places.flatMap((place) => (place.parts ? leavesOf(place.parts) : [place]))
}
