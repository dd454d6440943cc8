import { shown } from '../../arguments.ts'
import { FormatError, LimelightError, UnsupportedModelError } from '../../errors.ts'
import { type GraphArchitecture, type GraphNetwork, graphNetwork } from '../../model/graph.ts'
import type { Parameter } from '../../model/network.ts'
import { sizeOf } from '../../tensor.ts'
import { openHdf5 } from '../hdf5/hdf5-file.ts'
import type { ModelFiles } from '../model-files.ts'
import type { OpenedModel, ReadOptions } from '../opened-model.ts'
import { isJsonObject, parseStrictJson } from '../strict-json.ts'
import { Zip } from '../zip.ts'
import { weightsOfH5 } from './h5-weights.ts'
import { statedImages } from './images.ts'
import { type KerasModel, parseModel } from './keras-config.ts'
import { graphOf } from './keras-graph.ts'
import { type FoundWeights, fill, placesOf, type WeightPlace } from './stored-weights.ts'
import { weightsOfV3 } from './v3-weights.ts'

/** Reads Keras's own files: .h5 and .keras. */

/** @throws FormatError, UnsupportedModelError */
export async function readKerasH5({ bytes }: ModelFiles, options: ReadOptions): Promise<OpenedModel> {
  const root = openHdf5(bytes)
  const config = root.text('model_config')
  if (config === undefined) {
    const weightsAlone = root.attributes.has('layer_names') || root.group('layers') !== null
    throw new FormatError(
      weightsAlone
        ? 'this HDF5 file holds the weights of a Keras model alone; save the whole of it, with model.save("model.keras")'
        : 'this HDF5 file holds no Keras model: it has no model_config',
    )
  }
  const written = root.text('keras_version') ?? root.group('model_weights')?.text('keras_version')
  const weights = root.group('model_weights')
  if (!weights) throw new FormatError('this Keras file has no weights')
  const backend = root.text('backend')
  const opened = await kerasModel(parseStrictJson(config, 'its model_config'), written, options, (places) =>
    weightsOfH5(weights, places),
  )
  return { ...opened, origin: originOf(written, backend, 'HDF5') }
}

/** @throws FormatError, UnsupportedModelError */
export async function readKerasZip({ bytes }: ModelFiles, options: ReadOptions): Promise<OpenedModel> {
  const zip = new Zip(bytes)
  const [config, metadata, weights] = await Promise.all(
    ['config.json', 'metadata.json', 'model.weights.h5'].map((name) => zip.file(name)),
  )
  if (!config || !weights) throw new FormatError('this .keras file has no config.json, or no model.weights.h5')
  const about = metadata ? parseStrictJson(textOf(metadata), 'its metadata.json') : {}
  const written = isJsonObject(about) && typeof about.keras_version === 'string' ? about.keras_version : undefined
  const opened = await kerasModel(parseStrictJson(textOf(config), 'its config.json'), written, options, (places) =>
    weightsOfV3(openHdf5(weights), places),
  )
  return { ...opened, origin: originOf(written, undefined, '.keras') }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

export function originOf(written: string | undefined, backend: string | undefined, version: string) {
  const producer = written && `Keras ${written}${backend ? ` with ${backend}` : ''}`
  return { format: 'Keras', version, ...(producer && { producer: producer.slice(0, 200) }) }
}

/** A Keras model by its description, its weights from wherever its file has them. @throws FormatError, UnsupportedModelError */
export async function kerasModel(
  config: unknown,
  written: string | undefined,
  options: ReadOptions,
  weightsFor: (places: readonly WeightPlace[]) => FoundWeights,
  format = 'Keras',
): Promise<Pick<OpenedModel, 'network' | 'metadata' | 'images'>> {
  const model = await withAdapted(parseModel(config), weightsFor)
  const network = networkOf(model, versionOf(written), options, format)
  await fill(network.parameters, weightsFor(placesOf(model, network.parameters)))
  return { network, metadata: {}, images: statedImages(network) }
}

/**
 * Normalization layers that have learned their mean and variance keep them as weights; here they are options, which nothing changes. Those
 * that the file does not have are told later, with all else.
 */
async function withAdapted(
  model: KerasModel,
  weightsFor: (places: readonly WeightPlace[]) => FoundWeights,
): Promise<KerasModel> {
  const wanted = adaptedWeights(model)
  if (wanted.length === 0) return model
  const found = weightsFor(placesOf(model, wanted))
  const values = new Map<string, readonly number[]>()
  for (const [name, stored] of found) {
    if (sizeOf(stored.shape) > mostChannels) throw new FormatError(`its weight ${shown(name)} is no channel's mean`)
    values.set(name, Array.from(await stored.numbers()))
  }
  return withOptions(model, values)
}

const mostChannels = 2 ** 16

/** By their paths: mean and variance, in this order. */
function adaptedWeights(model: KerasModel, prefix = ''): Pick<Parameter, 'name' | 'shape' | 'trainable'>[] {
  return model.layers.flatMap(({ name, className, config, model: inner }) => {
    if (inner) return adaptedWeights(inner, `${prefix}${name}/`)
    if (className !== 'Normalization' || (config.mean !== null && config.mean !== undefined)) return []
    return ['mean', 'variance'].map((weight) => ({ name: `${prefix}${name}/${weight}`, shape: [], trainable: false }))
  })
}

function withOptions(model: KerasModel, values: ReadonlyMap<string, readonly number[]>, prefix = ''): KerasModel {
  const layers = model.layers.map((layer) => {
    const path = `${prefix}${layer.name}/`
    const [mean, variance] = [values.get(`${path}mean`), values.get(`${path}variance`)]
    const config = mean && variance ? { ...layer.config, mean, variance } : layer.config
    return { ...layer, config, model: layer.model && withOptions(layer.model, values, path) }
  })
  return { ...model, layers }
}

/** Keras 3 where nothing is said: it alone left its version out. */
function versionOf(written: string | undefined): number {
  const major = Number(written?.match(/^\d+/)?.[0] ?? 3)
  if (major < 1 || major > 3) throw new FormatError(`it was written by Keras ${shown(written)}; known are 1 to 3`)
  return major
}

function networkOf(model: KerasModel, version: number, { inputShape }: ReadOptions, format: string): GraphNetwork {
  const reading = { version, inputShape, problems: [], called: 0 }
  const graph: GraphArchitecture = graphOf(model, reading)
  if (reading.problems.length > 0) throw new UnsupportedModelError(format, reading.problems)
  try {
    return graphNetwork(graph, 'written over')
  } catch (error) {
    if (error instanceof LimelightError) throw new FormatError(`its layers can't be put together: ${error.message}`)
    throw error
  }
}
