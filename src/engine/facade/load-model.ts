import { check, listOf, optionsOf, shown, thatIs, wholeNumber } from '../arguments.ts'
import { ArgumentError, FormatError, LimelightError, UnsupportedModelError } from '../errors.ts'
import { acceptedModels } from '../formats/file-kinds.ts'
import { insideFolder, type ModelFiles, oneFile } from '../formats/model-files.ts'
import { modelAmong, modelFormats, type OpenOptions, openModelFiles } from '../formats/registry.ts'
import { isNode, nodeModule } from '../platform/node-module.ts'
import { readWholeFile } from '../platform/read-file.ts'
import type { URL as Address } from '../platform/types.ts'
import type { Model } from './model.ts'
import { modelOf } from './model-from-bytes.ts'

/** Paths are no longer, where they are any: letters of one in a message. */
const longestName = 1000

export interface LoadOptions extends OpenOptions {}

const loadOptions = optionsOf<LoadOptions>({
  inputShape: listOf('a list of positive integers, the extents of one sample', wholeNumber(1)),
  fallback: thatIs('an architecture', (value) => typeof value === 'object' && value !== null),
})

/**
 * Loads a model of any format that Limelight opens, from a file's path (in Node) or address (in the browser), from its bytes, or
 * from several files by their names, one of which is the model and names the others.
 * @throws FormatError when it is no model or damaged, UnsupportedModelError when it asks for what can't be done, LimelightError
 * when it can't be read
 */
export async function loadModel(
  source: string | Address | Uint8Array | ReadonlyMap<string, Uint8Array> | ModelFiles,
  options: LoadOptions = {},
): Promise<Model> {
  check('loadModel', loadOptions, options)
  if (source instanceof Uint8Array) return opened(oneFile(source), options)
  if (source instanceof Map) return opened(modelAmong(checkedFiles(source), 'this list'), options)
  if (isFiles(source)) return opened(source, options)
  if (typeof source !== 'string' && !(source instanceof URL))
    throw new ArgumentError(
      `loadModel: source must be a path, an address, a Uint8Array or a Map of files, not ${shown(source)}`,
    )
  try {
    return await opened(isNode ? await localFiles(source) : await remoteFiles(source), options)
  } catch (error) {
    if (error instanceof LimelightError && !(error instanceof UnsupportedModelError))
      throw new FormatError(`${String(source).slice(0, longestName)}: ${error.message}`)
    throw error
  }
}

function isFiles(source: unknown): source is ModelFiles {
  return typeof source === 'object' && source !== null && 'bytes' in source && 'beside' in source
}

function checkedFiles(files: ReadonlyMap<unknown, unknown>): ReadonlyMap<string, Uint8Array> {
  const checked = new Map<string, Uint8Array>()
  for (const [name, bytes] of files) {
    if (typeof name !== 'string' || !(bytes instanceof Uint8Array))
      throw new ArgumentError(
        `loadModel: source has ${shown(bytes)} under ${shown(name)}; expected a Map of Uint8Array by the files' names`,
      )
    checked.set(name, bytes)
  }
  return checked
}

async function opened(files: ModelFiles, options: LoadOptions): Promise<Model> {
  return modelOf(await openModelFiles(files, options))
}

async function localFiles(source: string | Address): Promise<ModelFiles> {
  if (/^(?:https?|blob|data):/.test(String(source)))
    throw new LimelightError('in Node models are read from files: fetch it, and give its bytes or its path')
  const path = await modelIn(typeof source === 'string' ? source : nodeModule('node:url').fileURLToPath(source))
  return localFile(path, await readLocal(path))
}

/** A file that was read, and those beside it. @internal */
export function localFile(path: string, bytes: Uint8Array): ModelFiles {
  const { dirname, join, basename } = nodeModule('node:path')
  return {
    name: basename(path),
    bytes,
    beside: (other) =>
      readLocal(join(dirname(path), insideFolder(other))).catch((error: unknown) => {
        if (!(error instanceof LimelightError)) throw error
        if (error.message === noSuchFile) return null
        throw new LimelightError(`${other}: ${error.message}`)
      }),
  }
}

/** Of a folder the file in it that is a model, by its name: model.json has its weights beside it. */
export async function modelIn(path: string): Promise<string> {
  const { readdir, stat } = nodeModule('node:fs/promises')
  const found = await stat(path).catch(() => null)
  if (!found?.isDirectory()) return path
  const extensions = modelFormats.flatMap((format) => format.extensions)
  const all = await readdir(path).catch((cause: Error) => {
    throw new LimelightError(`this folder can't be read: ${cause.message}`, { cause })
  })
  const names = all.filter((name) => extensions.some((extension) => name.endsWith(extension)))
  const [only] = names.includes('model.json') ? ['model.json'] : names
  if (names.length > 1 && only !== 'model.json')
    throw new FormatError(`this is a folder of several models: ${names.slice(0, 10).join(', ')}; give one of them`)
  if (!only) throw new FormatError(`this is a folder that holds no model; ${acceptedModels}`)
  return nodeModule('node:path').join(path, only)
}

async function remoteFiles(source: string | Address): Promise<ModelFiles> {
  const address = new URL(source, globalThis.location?.href)
  return {
    name: address.pathname.slice(address.pathname.lastIndexOf('/') + 1),
    bytes: await download(address),
    beside: async (path) => {
      const response = await answerOf(new URL(insideFolder(path).split('/').map(encodeURIComponent).join('/'), address))
      return response.status === 404 || response.status === 410 ? null : bytesFrom(response)
    },
  }
}

/** @throws LimelightError where it can't be read @internal */
export function bytesOf(source: string | Address): Promise<Uint8Array> {
  return isNode ? readLocal(source) : download(source)
}

const noSuchFile = 'there is no such file'

async function readLocal(source: string | Address): Promise<Uint8Array> {
  try {
    return await readWholeFile(source)
  } catch (error) {
    if (error instanceof LimelightError) throw error
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') throw new LimelightError(noSuchFile)
    if (code === 'EISDIR') throw new LimelightError(`this is a folder; ${acceptedModels}`)
    // Node's message ends with the path, which callers put first.
    const reason = error instanceof Error ? error.message.split(/, (?:open|stat) '/)[0] : String(error)
    throw new LimelightError(`can't be read: ${reason}`)
  }
}

async function download(source: string | Address): Promise<Uint8Array> {
  return bytesFrom(await answerOf(source))
}

function answerOf(source: string | Address): Promise<Response> {
  return fetch(source).catch((error: unknown) => {
    throw new LimelightError(`can't be fetched: ${error instanceof Error ? error.message : String(error)}`)
  })
}

async function bytesFrom(response: Response): Promise<Uint8Array> {
  if (!response.ok) throw new LimelightError(`the server answers ${response.status} ${response.statusText}`)
  return new Uint8Array(await response.arrayBuffer())
}
