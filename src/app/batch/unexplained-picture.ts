import { ArgumentError, LimelightError, ShapeError } from '../../engine/errors.ts'

/** One of many pictures that can't be explained: what is wrong with it says nothing about the others. */
export class UnexplainedPicture extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** Reads and decodes a picture. @throws UnexplainedPicture for whatever Limelight refuses about it */
export function readingPicture<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (error instanceof LimelightError) throw new UnexplainedPicture(error.cause ?? error)
    throw error
  })
}

/** Explains a picture. @throws UnexplainedPicture where it does not fit what is asked; other errors are the network's */
export function explainingPicture<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (error instanceof ArgumentError || error instanceof ShapeError) throw new UnexplainedPicture(error)
    throw error
  })
}
