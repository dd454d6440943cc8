import { shown } from '../arguments.ts'
import { FormatError } from '../errors.ts'

/** A model's file, and those that belong to it: a model.json has its weights beside it. */
export interface ModelFiles {
  /** Of the file that was given, without its folder: messages and extensions. */
  readonly name: string
  readonly bytes: Uint8Array
  /**
   * Another file, by its path from the folder of this one; null where there is none. It can't lie outside that folder.
   * @throws LimelightError where it can't be read
   */
  beside(path: string): Promise<Uint8Array | null>
}

/** Bytes alone, with nothing beside them. */
export function oneFile(bytes: Uint8Array, name = ''): ModelFiles {
  return { name, bytes, beside: async () => null }
}

/** Files that were dropped together, or that a zip holds: by their paths. */
export function severalFiles(name: string, files: ReadonlyMap<string, Uint8Array>): ModelFiles {
  const bytes = files.get(name)
  if (!bytes) throw new FormatError(`${shown(name)} is not among the files`)
  const folder = name.includes('/') ? name.slice(0, name.lastIndexOf('/') + 1) : ''
  return { name, bytes, beside: async (path) => files.get(folder + insideFolder(path)) ?? null }
}

/**
 * A path from a model's file to one beside it, checked: a file must not make us read what its author can't have given.
 * @throws FormatError for a path that leads out of the folder
 */
export function insideFolder(path: string): string {
  const parts = path.split('/').filter((part) => part !== '.' && part !== '')
  if (
    path.startsWith('/') ||
    path.includes('\\') ||
    path.includes('\0') ||
    path.includes(':') ||
    parts.includes('..') ||
    parts.length === 0
  )
    throw new FormatError(`it names the file ${shown(path)}; expected one in its own folder`)
  return parts.join('/')
}

/** A file that a model can't do without. @throws FormatError where it is missing */
export async function needed(files: ModelFiles, path: string): Promise<Uint8Array> {
  const bytes = await files.beside(path)
  if (bytes) return bytes
  throw new FormatError(`its file ${shown(path)} is missing; it belongs beside ${files.name || 'the model'}`)
}
