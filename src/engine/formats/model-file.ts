import * as v from 'valibot'
import { items, parsed, shown, thatIs } from '../arguments.ts'
import { ArgumentError, FormatError, LimelightError, ShapeError } from '../errors.ts'
import { type LayerDescription, stackLayers, weightsOf } from '../model/layers.ts'
import { Sequential } from '../model/sequential.ts'
import { isNode } from '../platform/node-module.ts'
import { readWholeFile } from '../platform/read-file.ts'
import type { URL as Address } from '../platform/types.ts'
import { formatShape, type Shape, sameShape } from '../tensor.ts'
import { acceptedModels, otherKindOf } from './file-kinds.ts'
import type { Architecture } from './model-format.ts'
import { beginsAsSafetensors, parseSafetensors, readHeader, type SafetensorsHeader } from './safetensors.ts'
import { parseStrictJson } from './strict-json.ts'

/**
 * Reads a model. `fallback` is the architecture of files that have none (weights written by other programs).
 * @throws FormatError when the file is not a model: another program's, truncated, corrupt, without a known architecture, or with
 * weights that do not fit it or are not finite
 */
export function modelFromBytes(bytes: Uint8Array, fallback?: Architecture): Sequential {
  const { entries, metadata } = headerOf(bytes)
  const { architecture: stored, ...rest } = metadata
  const architecture = stored === undefined ? fallbackFor(entries, fallback) : parseArchitecture(stored)
  const given = new Map<string, { shape: Shape; data: ArrayLike<number> }>()
  for (const [name, { shape, data }] of parseSafetensors(bytes).tensors) {
    if (!data.every(Number.isFinite))
      throw new FormatError(`model: weight ${shown(name)} holds a number that is not finite`)
    given.set(name, { shape, data })
  }
  try {
    checkWeights(architecture, given)
    const model = new Sequential(architecture, architecture.layers)
    model.setWeights(given)
    model.metadata = rest
    return model
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
      : `this safetensors file holds weights alone (${some}${names.length > 3 ? ', …' : ''})${torch}, without the network that they are of; ${acceptedModels}`,
  )
}

/** Before anything is reserved: a hostile architecture may ask for more memory than there is. */
function checkWeights({ inputShape, layers }: Architecture, given: ReadonlyMap<string, { shape: Shape }>): void {
  for (const { name, shape } of weightsOf(stackLayers(inputShape, layers))) {
    const found = given.get(name)
    if (!found) throw new ShapeError(`weight "${name}" is missing; expected ${formatShape(shape)}`)
    if (!sameShape(found.shape, shape))
      throw new ShapeError(`weight "${name}" has shape ${formatShape(found.shape)}; expected ${formatShape(shape)}`)
  }
}

function parseArchitecture(text: string): Architecture {
  return parsed('model: its "architecture"', architectureSchema, parseStrictJson(text, 'model: its "architecture"'))
}

/** What each layer takes, stackLayers() knows. */
const architectureSchema = v.object({
  inputShape: items<number>('a whole number', Number.isSafeInteger),
  seed: v.optional(thatIs<number>('a whole number', Number.isSafeInteger)),
  layers: items<LayerDescription>(
    'a layer, an object with the name of its "layer"',
    (layer) => typeof layer === 'object' && layer !== null && 'layer' in layer,
  ),
})

/** Paths are no longer, where they are any: letters of one in a message. */
const longestName = 1000

/**
 * Loads a model from a file's path (in Node) or address (in the browser), or from its bytes.
 * @throws FormatError when it is no model, LimelightError when it can't be read
 */
export async function loadModel(source: string | Address | Uint8Array, fallback?: Architecture): Promise<Sequential> {
  if (source instanceof Uint8Array) return modelFromBytes(source, fallback)
  if (typeof source !== 'string' && !(source instanceof URL))
    throw new ArgumentError(`loadModel: source must be a path, an address or a Uint8Array, not ${shown(source)}`)
  try {
    return modelFromBytes(isNode ? await readLocal(source) : await download(source), fallback)
  } catch (error) {
    if (error instanceof LimelightError)
      throw new FormatError(`${String(source).slice(0, longestName)}: ${error.message}`)
    throw error
  }
}

async function readLocal(source: string | Address): Promise<Uint8Array> {
  try {
    return await readWholeFile(source)
  } catch (error) {
    if (error instanceof LimelightError) throw error
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') throw new LimelightError('there is no such file')
    if (code === 'EISDIR') throw new LimelightError(`this is a folder; ${acceptedModels}`)
    // Node's message ends with the path, which callers put first.
    const reason = error instanceof Error ? error.message.split(/, (?:open|stat) '/)[0] : String(error)
    throw new LimelightError(`can't be read: ${reason}`)
  }
}

async function download(source: string | Address): Promise<Uint8Array> {
  const response = await fetch(source).catch((error: unknown) => {
    throw new LimelightError(`can't be fetched: ${error instanceof Error ? error.message : String(error)}`)
  })
  if (!response.ok) throw new LimelightError(`the server answers ${response.status} ${response.statusText}`)
  return new Uint8Array(await response.arrayBuffer())
}
