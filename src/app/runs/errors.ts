import { DeviceError, LimelightError } from '../../engine/errors.ts'
import { FileWriteError } from '../../engine/platform/atomic-write.ts'

/** A bucket or a folder that can't be read or written. What was published is unharmed: a later start goes on. */
export class StoreError extends LimelightError {
  override readonly name = 'StoreError'
}

/**
 * An image that can't be read, which is no fault of the picture's (a bucket that refuses it, a disk that fails): its shard is to be tried
 * again, and says nothing about others.
 */
export class ImageReadError extends LimelightError {
  override readonly name = 'ImageReadError'
}

/** A run that can't be computed where it was tried: its model can't be had there, or no device be opened. Elsewhere, or later, it may be. */
export class PlaceError extends LimelightError {
  override readonly name = 'PlaceError'

  constructor(cause: unknown) {
    super(inWords(cause), { cause })
  }
}

/** A run that asks what no worker can answer, whatever its images. */
export class UnusableRunError extends LimelightError {
  override readonly name = 'UnusableRunError'
}

/** One line of what people need to know; the stack of what is a bug. */
export function inWords(error: unknown): string {
  if (error instanceof LimelightError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

const ofPlace = [PlaceError, StoreError, FileWriteError, DeviceError]

/** Whether an error has nothing to do with the shard that met it: any other would have met it here, too. */
export function isOfPlace(error: unknown): boolean {
  return ofPlace.some((kind) => error instanceof kind)
}

/** What helps against a published file that is not what it should be; nobody else removes it. */
export const computeAgain = 'remove it, and `limelight batch run` or `submit` computes its shard again'

/** Something else is published already under this name. It stays as it is. */
export class ConflictError extends LimelightError {
  override readonly name = 'ConflictError'
}
