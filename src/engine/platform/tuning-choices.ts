/** What was chosen, by what it is for. */
export type Choices = Record<string, string>

/** Only texts under names: whatever else a file or a database holds is not from here. */
export function choicesIn(value: unknown): Choices {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
