import { createHash } from 'node:crypto'
import type { ExplanationRequest } from '../../lime/index.ts'

/**
 * An image's own seeds: the first 32 bits of SHA-256 of "seed:id", from the run's seed and the image's id. So its result depends on
 * neither who computes it, nor which images came before, nor how many there are; and images do not share their samples' noise.
 */
export function requestForImage(request: ExplanationRequest, id: string): ExplanationRequest {
  const { randomState, randomSeed } = request
  return {
    ...request,
    ...(randomState !== undefined && { randomState: seedOf(randomState, id) }),
    randomSeed: seedOf(randomSeed, id),
  }
}

function seedOf(seed: number, id: string): number {
  return createHash('sha256').update(`${seed}:${id}`).digest().readUInt32BE()
}
