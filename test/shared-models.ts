import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'vitest'
import { parseSafetensors, type StoredTensor } from '../src/engine/formats/safetensors.ts'

/** Models that people hold, with what other programs answer: LIMELIGHT_MODELS, or ../shared/models. They are no part of the repository. */
export const modelsFolder =
  process.env.LIMELIGHT_MODELS ?? fileURLToPath(new URL('../../shared/models', import.meta.url))

/** Photographs in many formats, beside the models. */
export const photographsFolder = join(modelsFolder, '../photos')

/** False where nobody says where they are: their tests are skipped then. Where LIMELIGHT_MODELS does, a missing file fails. */
export const hasModels = process.env.LIMELIGHT_MODELS !== undefined || existsSync(modelsFolder)
const reason = '(skipped: LIMELIGHT_MODELS is not set, and there is no ../shared/models)'

/** Skipped where there are no models: a checkout stands alone. */
export function describeWithModels(name: string, tests: () => void): void {
  if (hasModels) describe(name, tests)
  // Not even collected: what is outside of its tests may read a model.
  else it.skip(`${name} ${reason}`, () => {})
}

/** Likewise, of one test. */
export function itWithModels(name: string, test: () => Promise<void>): void {
  if (hasModels) it(name, test)
  else it.skip(`${name} ${reason}`, test)
}

export function modelPath(name: string): string {
  return join(modelsFolder, name)
}

export function readModelFile(name: string): Uint8Array {
  return readFileSync(modelPath(name))
}

/** A tensor of a record. @throws Error where it is not there */
export function recorded(name: string, tensor: string): StoredTensor {
  const found = parseSafetensors(readModelFile(name)).tensors.get(tensor)
  if (!found) throw new Error(`${name} has no ${tensor}`)
  return found
}
