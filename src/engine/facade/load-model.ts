import { shown } from '../arguments.ts'
import { ArgumentError, FormatError, LimelightError } from '../errors.ts'
import { acceptedModels } from '../formats/file-kinds.ts'
import { readModel } from '../formats/read-model.ts'
import type { Architecture } from '../model/sequential.ts'
import { isNode } from '../platform/node-module.ts'
import { readWholeFile } from '../platform/read-file.ts'
import type { URL as Address } from '../platform/types.ts'
import { Model } from './model.ts'
import { sequentialOf } from './sequential.ts'

/**
 * Reads a model. `fallback` is the architecture of files that have none (weights written by other programs).
 * @throws FormatError when the file is not a model: another program's, truncated, corrupt, without a known architecture, or with
 * weights that do not fit it or are not finite
 */
export function modelFromBytes(bytes: Uint8Array, fallback?: Architecture): Model {
  const { network, metadata } = readModel(bytes, fallback)
  const model = 'layers' in network ? sequentialOf(network) : Model.of(network)
  model.metadata = { ...metadata }
  return model
}

/** Paths are no longer, where they are any: letters of one in a message. */
const longestName = 1000

/**
 * Loads a model from a file's path (in Node) or address (in the browser), or from its bytes.
 * @throws FormatError when it is no model, LimelightError when it can't be read
 */
export async function loadModel(source: string | Address | Uint8Array, fallback?: Architecture): Promise<Model> {
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
