import { shown } from '../../engine/arguments.ts'
import { FormatError } from '../../engine/errors.ts'

/**
 * Names of classes from a file: one a line, or JSON: a list, or what labels are called by their numbers, as Keras has it for
 * ImageNet ({"0": ["n01440764", "tench"], …}).
 * @throws FormatError
 */
export function parseClassNames(text: string): string[] {
  const trimmed = text.trim()
  if (!/^[[{]/.test(trimmed)) return lines(trimmed)
  let value: unknown
  try {
    value = JSON.parse(trimmed)
  } catch (error) {
    throw new FormatError(`neither one name a line nor JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (Array.isArray(value)) return value.map(nameFrom)
  const byNumber = new Map(Object.entries(value ?? {}))
  return Array.from({ length: byNumber.size }, (_, label) => {
    const entry: unknown = byNumber.get(String(label))
    if (entry === undefined)
      throw new FormatError(`label ${label} has no name; expected names by the numbers from 0 on`)
    return nameFrom(entry)
  })
}

function lines(text: string): string[] {
  if (text === '') throw new FormatError('the file is empty; expected one name a line')
  const all = text.split(/\r?\n/).map((line) => line.trim())
  // Lists may number their lines.
  const rest = all.map((line, label) => new RegExp(`^${label}(?:\\s*[:,]|\\s)\\s*(.*)$`).exec(line)?.[1])
  return rest.every((name) => name !== undefined) ? rest : all
}

function nameFrom(entry: unknown): string {
  const name = Array.isArray(entry) ? entry.at(-1) : entry
  if (typeof name === 'string') return name
  throw new FormatError(`a class is named ${shown(entry)}; expected a text`)
}
