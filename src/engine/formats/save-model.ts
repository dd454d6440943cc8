import { LimelightError } from '../errors.ts'
import { writeFileAtomically } from '../platform/atomic-write.ts'
import { isNode } from '../platform/node-module.ts'
import { modelToBytes, type WritableModel } from './write-model.ts'

/**
 * Writes a model to a file, whole or not at all.
 * @throws FileWriteError when the file can't be written, LimelightError in a browser, or when a weight is not finite
 */
export async function saveModel(path: string, model: WritableModel): Promise<void> {
  if (!isNode)
    throw new LimelightError('save: there are no files in the browser; take the bytes of modelToBytes(model)')
  await writeFileAtomically(path, modelToBytes(model))
}
