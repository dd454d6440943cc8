import { explanationRequest, type RequestInput } from '../../../lime/index.ts'

/**
 * Whether two requests ask the same of a picture. Seeds are not compared: a run gives each image its own. Nor are classes: which are
 * explained changes nothing about one of them.
 */
export function asksSame(one: RequestInput, other: RequestInput): boolean {
  const text = ({ labels: _, topLabels: __, ...asked }: RequestInput) =>
    JSON.stringify(explanationRequest({ ...asked, randomState: 1, randomSeed: 1 }))
  try {
    return text(one) === text(other)
  } catch {
    // What another version of the program may ask.
    return false
  }
}
