import { readFileSync } from 'node:fs'
import { parseSafetensors, type Safetensors } from '../src/engine/formats/safetensors.ts'

/** test/reference/: outputs of Python's lime, scikit-image, NumPy and PyTorch. Its README.md says what each tensor is. */
export function readReference(name: string): Safetensors {
  return parseSafetensors(readFileSync(new URL(`reference/${name}`, import.meta.url)))
}
