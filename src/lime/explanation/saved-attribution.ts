import { FormatError } from '../../engine/errors.ts'
import type { Attribution } from './attribution.ts'
import { methodOf, versionOf } from './attribution-json.ts'
import { Explanation } from './explanation.ts'
import { ShapleyAttribution } from './shapley-attribution.ts'

/** What reads the evidence of each method. */
const readers: Readonly<Record<string, (json: unknown) => Attribution>> = {
  shapley: ShapleyAttribution.fromJSON,
}

/**
 * An attribution of any method and version, as its toJSON() gave it. Files of version 1 are LIME's explanations, those of Shapley
 * values among them that were saved before these had a form of their own.
 * @throws FormatError for anything else, with the path of what is wrong
 */
export function attributionFromJson(json: unknown): Attribution {
  if (versionOf(json) === 1) return Explanation.fromJSON(json)
  const method = methodOf(json)
  if (Object.hasOwn(readers, method)) return readers[method](json)
  throw new FormatError(
    `this explanation is of the method "${method}"; only ${Object.keys(readers).join(', ')} can be read`,
  )
}
