import { ArgumentError } from '../../engine/errors.ts'

/** Names that a refusal lists, at most. */
const mostListed = 8

/**
 * Labels as people give them: numbers, or names in any case. A name is a class's own, one of several that its own has with commas
 * between them ("tabby" of "tabby, tabby cat"), or a part that no other class has.
 * @param names what the classes are called, by label; null where nobody knows
 * @throws ArgumentError for a name that no class has or several have, with those that come near
 */
export function labelsFrom(given: readonly string[], names: readonly string[] | null): number[] {
  return given.map((text) => (/^\d+$/.test(text.trim()) ? Number(text) : labelNamed(text.trim(), names)))
}

function labelNamed(given: string, names: readonly string[] | null): number {
  if (!names)
    throw new ArgumentError(
      `--labels ${given}: nothing tells what the classes are called; give numbers, or --class-names`,
    )
  const wanted = given.toLowerCase()
  const all = names.map((name, label) => ({ name: name.toLowerCase(), label }))
  const kinds = [
    all.filter(({ name }) => name === wanted),
    all.filter(({ name }) => name.split(',').some((part) => part.trim() === wanted)),
    all.filter(({ name }) => name.includes(wanted)),
  ]
  const found = kinds.find(({ length }) => length > 0) ?? []
  if (found.length === 1) return found[0].label
  const listed = (labels: readonly number[]) => {
    const shown = labels.slice(0, mostListed).map((label) => `${label} ${names[label]}`)
    return `${shown.join('; ')}${labels.length > mostListed ? `; and ${labels.length - mostListed} more` : ''}`
  }
  if (found.length > 1)
    throw new ArgumentError(
      `--labels ${given}: ${found.length} classes are called so: ${listed(found.map(({ label }) => label))}; give a number, or more of the name`,
    )
  const near = nearest(wanted, all)
  throw new ArgumentError(
    `--labels ${given}: no class is called so${near.length > 0 ? `; near are ${listed(near)}` : ` among ${names.length}, such as ${listed([0, 1, 2].filter((label) => label < names.length))}`}`,
  )
}

/** The labels of the names that have most pairs of letters in common with a text (Dice's coefficient, at least a third). */
function nearest(wanted: string, all: readonly { readonly name: string; readonly label: number }[]): number[] {
  const pairsOf = (text: string) =>
    new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, i) => text.slice(i, i + 2)))
  const pairs = pairsOf(wanted)
  const likeness = (name: string) => {
    const own = pairsOf(name)
    return (2 * [...pairs].filter((pair) => own.has(pair)).length) / Math.max(1, pairs.size + own.size)
  }
  return all
    .map(({ name, label }) => ({ label, like: Math.max(...name.split(',').map((part) => likeness(part.trim()))) }))
    .filter(({ like }) => like >= 1 / 3)
    .sort((a, b) => b.like - a.like || a.label - b.label)
    .slice(0, mostListed)
    .map(({ label }) => label)
}
