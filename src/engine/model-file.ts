import { FormatError, LimelightError, ShapeError } from './errors.ts'
import { stackLayers, weightsOf } from './layers.ts'
import { Sequential } from './model.ts'
import type { Architecture } from './model-format.ts'
import { isNode, nodeModule } from './node-module.ts'
import { parseSafetensors } from './safetensors.ts'
import { formatShape, type Shape, sameShape } from './tensor.ts'

/**
 * Reads a model. `fallback` is the architecture of files that have none (weights written by other programs).
 * @throws FormatError when the file is not a model: truncated, corrupt, without a known architecture, or with weights that
 * do not fit it or are not finite
 */
export function modelFromBytes(bytes: Uint8Array, fallback?: Architecture): Sequential {
  const { tensors, metadata } = parseSafetensors(bytes)
  const { architecture: stored, ...rest } = metadata
  const architecture = stored === undefined ? fallback : parseArchitecture(stored)
  if (!architecture)
    throw new FormatError('not a Limelight model: its metadata has no "architecture"; save it with model.save()')
  const given = new Map<string, { shape: Shape; data: ArrayLike<number> }>()
  for (const [name, { shape, data }] of tensors) {
    if (!data.every(Number.isFinite)) throw new FormatError(`model: weight "${name}" holds a number that is not finite`)
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
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new FormatError('model: its "architecture" is not JSON')
  }
  if (!isArchitecture(value)) throw new FormatError('model: its "architecture" has no inputShape and layers')
  return value
}

function isArchitecture(value: unknown): value is Architecture {
  if (typeof value !== 'object' || value === null) return false
  const { inputShape, layers, seed } = value as Partial<Record<string, unknown>>
  return (
    (seed === undefined || Number.isSafeInteger(seed)) &&
    Array.isArray(inputShape) &&
    inputShape.every((extent) => Number.isInteger(extent)) &&
    Array.isArray(layers) &&
    layers.every((layer) => typeof layer === 'object' && layer !== null && 'layer' in layer)
  )
}

/**
 * Loads a model from a file's path (in Node) or address (in the browser), or from its bytes.
 * @throws FormatError when it is no model, LimelightError when it can't be read
 */
export async function loadModel(source: string | URL | Uint8Array, fallback?: Architecture): Promise<Sequential> {
  if (source instanceof Uint8Array) return modelFromBytes(source, fallback)
  try {
    return modelFromBytes(isNode ? await readLocal(source) : await download(source), fallback)
  } catch (error) {
    if (error instanceof LimelightError) throw new FormatError(`${source}: ${error.message}`)
    throw error
  }
}

async function readLocal(source: string | URL): Promise<Uint8Array> {
  const { readFile } = nodeModule('node:fs/promises')
  try {
    return await readFile(source)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') throw new LimelightError('there is no such file')
    throw new LimelightError(`can't be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function download(source: string | URL): Promise<Uint8Array> {
  const response = await fetch(source)
  if (!response.ok) throw new LimelightError(`the server answers ${response.status} ${response.statusText}`)
  return new Uint8Array(await response.arrayBuffer())
}
