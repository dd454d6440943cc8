import { readFileSync } from 'node:fs'
import { parseSafetensors, type Safetensors, type StoredTensor } from '../src/engine/safetensors.ts'

/** test/reference/: outputs of Python's lime, scikit-image, NumPy and PyTorch. Its README.md says what each tensor is. */
export function readReference(name: string): Safetensors {
  return parseSafetensors(readFileSync(new URL(`reference/${name}`, import.meta.url)))
}

/** A tensor that the test can't do without. */
export function tensorOf(file: Safetensors, name: string): StoredTensor {
  const tensor = file.tensors.get(name)
  if (!tensor) throw new Error(`the reference file has no tensor ${name}`)
  return tensor
}
