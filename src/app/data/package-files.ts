import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LimelightError } from '../../engine/errors.ts'

/**
 * Where the package's own files lie. This code runs from src/app/data/ (tests), from dist/ or dist/chunks/ (the command)
 * and from node_modules/limelight/dist/ (installed), so the root is looked for, never counted in `..`.
 */

/**
 * The nearest folder at or above `start` whose package.json is Limelight's.
 * @throws LimelightError when there is none
 */
export function findPackageRoot(start: string = dirname(fileURLToPath(import.meta.url))): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (packageName(join(folder, 'package.json')) === 'limelight') return folder
    if (dirname(folder) === folder)
      throw new LimelightError(`Limelight's own files can't be found: no folder above ${start} is the package's`)
  }
}

/** The name a package.json gives; a file that is missing or unreadable names nothing, and the search goes on above. */
function packageName(path: string): unknown {
  if (!existsSync(path)) return undefined
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { name?: unknown } | null)?.name
  } catch {
    return undefined
  }
}

export function packageVersion(): string {
  const { version }: { version: string } = JSON.parse(readFileSync(join(findPackageRoot(), 'package.json'), 'utf8'))
  return version
}

/** The trained model that ships with the package. */
export function shippedModelPath(): string {
  return join(findPackageRoot(), 'models', 'fashion-cnn.safetensors')
}

/** The folder of the two test files that ship with the package. */
export function shippedDataFolder(): string {
  return join(findPackageRoot(), 'src', 'app', 'data', 'fashion-mnist')
}
