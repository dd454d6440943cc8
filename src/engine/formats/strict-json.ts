import { shown } from '../arguments.ts'
import { FormatError } from '../errors.ts'

/** An object as JSON has it: values by names. */
export type JsonObject = Readonly<Record<string, unknown>>

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A string, which may hold any of the others, or what opens, closes and parts. */
const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

/**
 * JSON.parse that refuses objects in which a name occurs twice: JSON.parse takes the last, other readers the first, so that two
 * of them may see two different files in one.
 * @param what begins the messages
 * @throws FormatError for what is not JSON, or has a name twice in one object
 */
export function parseStrictJson(text: string, what: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new FormatError(`${what} is not JSON`)
  }
  const twice = repeatedName(text)
  if (twice !== null) throw new FormatError(`${what} has the name ${shown(twice)} twice`)
  return value
}

/** @param text valid JSON */
function repeatedName(text: string): string | null {
  // Of each object that is open its names so far; null for a list.
  const open: (Set<string> | null)[] = []
  let last = ''
  for (const [token] of text.matchAll(tokens)) {
    const names = open.at(-1)
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(null)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':' && names) {
      const name: string = JSON.parse(last)
      if (names.has(name)) return name
      names.add(name)
    }
    last = token
  }
  return null
}
