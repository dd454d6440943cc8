import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSafetensors, type StoredTensor } from '../src/engine/formats/safetensors.ts'

/**
 * Models that people hold, with what other programs answer: LIMELIGHT_MODELS, or ../shared/models. They are no part of the
 * repository; tests that need them are skipped where they are not.
 */
export const modelsFolder =
  process.env.LIMELIGHT_MODELS ?? fileURLToPath(new URL('../../shared/models', import.meta.url))

export const hasModels = existsSync(modelsFolder)

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
