import * as v from 'valibot'
import { parsed, shown, thatIs } from '../arguments.ts'
import { FormatError, LimelightError, ShapeError } from '../errors.ts'
import { graphEntries, stackEntries } from '../model/connections.ts'
import { type GraphArchitecture, graphConnections, graphNetwork } from '../model/graph.ts'
import { layersOf, weightsOf } from '../model/layered.ts'
import { areFinite, setParameters } from '../model/parameters.ts'
import { type Architecture, sequentialNetwork, stackLayers } from '../model/sequential.ts'
import { formatShape, type Shape, sameShape } from '../tensor.ts'
import { acceptedModels, otherKindOf } from './file-kinds.ts'
import { parseImages } from './images-text.ts'
import { beginsAsSafetensors, parseSafetensors, readHeader, type SafetensorsHeader } from './safetensors.ts'
import { parseStrictJson } from './strict-json.ts'
import type { StoredModel } from './write-model.ts'

/**
 * Reads a model's file. `fallback` is the architecture of files that have none (weights written by other programs).
 * @throws FormatError when the file is not a model: another program's, truncated, corrupt, without a known architecture, or with
 * weights that do not fit it or are not finite
 */
export function readModel(bytes: Uint8Array, fallback?: Architecture): StoredModel {
  const { entries, metadata } = headerOf(bytes)
  const { architecture: stored, images: stated, ...known } = metadata
  const architecture = stored === undefined ? fallbackFor(entries, fallback) : parseArchitecture(stored)
  const given = new Map<string, { shape: Shape; data: ArrayLike<number> }>()
  for (const [name, { shape, data }] of parseSafetensors(bytes).tensors) {
    if (!areFinite(data)) throw new FormatError(`model: weight ${shown(name)} holds a number that is not finite`)
    given.set(name, { shape, data })
  }
  try {
    checkWeights(architecture, given)
    const network = isGraph(architecture)
      ? graphNetwork(architecture, 'written over')
      : sequentialNetwork(architecture, architecture.layers, 'written over')
    setParameters(network, given)
    return { network, metadata: known, images: parseImages(stated) }
  } catch (error) {
    if (error instanceof LimelightError) throw new FormatError(`model: ${error.message}`)
    throw error
  }
}

/** @throws FormatError that says what the file is instead, where its bytes tell */
function headerOf(bytes: Uint8Array): SafetensorsHeader {
  try {
    return readHeader(bytes)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    const kind = otherKindOf(bytes)
    if (kind !== null) throw new FormatError(`this is ${kind}; ${acceptedModels}`)
    throw beginsAsSafetensors(bytes) ? error : new FormatError(`this is no model file; ${acceptedModels}`)
  }
}

/** The fallback, where the file has some of its weights at least. @throws FormatError for weights of something else */
function fallbackFor(entries: SafetensorsHeader['entries'], fallback: Architecture | undefined): Architecture {
  const names = entries.map(({ name }) => name)
  if (fallback && weightsOf(stackLayers(fallback.inputShape, fallback.layers)).some(({ name }) => names.includes(name)))
    return fallback
  const torch = names.some((name) => /\.(weight|bias|running_mean)$/.test(name)) ? ', as PyTorch saves them' : ''
  const some = names.slice(0, 3).map(shown).join(', ')
  throw new FormatError(
    names.length === 0
      ? `this safetensors file is empty; ${acceptedModels}`
      : `this safetensors file holds weights alone (${some}${names.length > 3 ? ', …' : ''})${torch}, without the network that they are of${torch ? ": write it with layers, and loadWeights(model, file, { from: 'pytorch' }) gives it these" : ''}; ${acceptedModels}`,
  )
}

/** Before anything is reserved: a hostile architecture may ask for more memory than there is. */
function checkWeights(
  architecture: Architecture | GraphArchitecture,
  given: ReadonlyMap<string, { shape: Shape }>,
): void {
  const layers = isGraph(architecture)
    ? layersOf(graphConnections(architecture).calls)
    : stackLayers(architecture.inputShape, architecture.layers)
  for (const { name, shape } of weightsOf(layers)) {
    const found = given.get(name)
    if (!found) throw new ShapeError(`weight "${name}" is missing; expected ${formatShape(shape)}`)
    if (!sameShape(found.shape, shape))
      throw new ShapeError(`weight "${name}" has shape ${formatShape(found.shape)}; expected ${formatShape(shape)}`)
  }
}

function parseArchitecture(text: string): Architecture | GraphArchitecture {
  const what = 'model: its "architecture"'
  const value = parseStrictJson(text, what)
  const isOfGraph = typeof value === 'object' && value !== null && 'calls' in value
  return isOfGraph ? parsed(what, graphSchema, value) : parsed(what, architectureSchema, value)
}

function isGraph(architecture: Architecture | GraphArchitecture): architecture is GraphArchitecture {
  return 'calls' in architecture
}

const seed = v.optional(thatIs<number>('a whole number', Number.isSafeInteger))

const architectureSchema = v.object({ seed, ...stackEntries })

const graphSchema = v.object({ seed, ...graphEntries })
