import { stat } from 'node:fs/promises'
import { isAbsolute, join, normalize, sep } from 'node:path'
import { ArgumentError } from '../../engine/errors.ts'

/** What people may keep pictures in, in folders: a file that is named itself may have any name. */
const pictureNames = '**/*.{png,jpg,jpeg,jpe,jfif,webp,gif,bmp,avif}'

/** Files that were asked for, and whether it was one file by its name. */
export interface ImageFiles {
  /** In the order of what was asked, each once, with slashes; those of a folder or pattern in the order of their names. */
  readonly files: readonly string[]
  readonly isOne: boolean
}

/**
 * The files that people mean: files, folders (pictures in them and below, by their names) and patterns.
 * @throws ArgumentError for a folder without pictures, or a pattern that no file matches
 */
export async function imageFiles(given: readonly string[]): Promise<ImageFiles> {
  const found = new Set<string>()
  let isOne = given.length === 1
  for (const text of given) {
    const kind = await kindOf(text)
    if (kind !== 'file') isOne = false
    for (const file of kind === 'file' ? [text] : await filesOf(text, kind)) found.add(slashed(normalize(file)))
  }
  return { files: [...found], isOne }
}

/** What exists is meant by its name, even if that looks like a pattern. What does not is a file: its reader says so. */
async function kindOf(text: string): Promise<'file' | 'folder' | 'pattern'> {
  const there = await stat(text).catch(() => null)
  if (there) return there.isDirectory() ? 'folder' : 'file'
  return /[*?[\]{}]/.test(text) ? 'pattern' : 'file'
}

async function filesOf(text: string, kind: 'folder' | 'pattern'): Promise<string[]> {
  if (kind === 'folder') return (await picturesIn(text)).map((file) => join(text, file))
  const { glob } = await import('tinyglobby')
  const files = await glob(slashed(text), { expandDirectories: false, absolute: isAbsolute(text) })
  if (files.length === 0) throw new ArgumentError(`${text}: no file matches this pattern`)
  return files.sort()
}

/**
 * The pictures in a folder and below, by their names, or the files there that a pattern matches.
 * @returns their paths in the folder, with slashes, in order
 * @throws ArgumentError where there are none
 */
export async function picturesIn(folder: string, pattern?: string): Promise<string[]> {
  const { glob } = await import('tinyglobby')
  const files = await glob(pattern ?? pictureNames, {
    cwd: folder,
    caseSensitiveMatch: pattern !== undefined,
    expandDirectories: false,
  })
  if (files.length === 0)
    throw new ArgumentError(
      pattern === undefined
        ? `${folder}: there are no pictures in this folder`
        : `${folder}: no file in this folder matches ${pattern}`,
    )
  return files.sort()
}

function slashed(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/')
}
