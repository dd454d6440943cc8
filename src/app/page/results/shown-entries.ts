import type { ResultEntry } from './result-reading.ts'

/** Which rows are listed, and in which order. */

export const selections = ['all', 'wrong', 'right', 'error'] as const
export type Selection = (typeof selections)[number]

export const orders = ['least certain', 'lowest r2', 'run'] as const
export type Order = (typeof orders)[number]

export interface ListChoice {
  readonly selection: Selection
  readonly order: Order
  /** Images of this class: the true one where it is known, else the predicted one; null for all. */
  readonly label: number | null
}

export const firstChoice: ListChoice = { selection: 'all', order: 'least certain', label: null }

export function shownEntries(
  entries: readonly ResultEntry[],
  { selection, order, label }: ListChoice,
): readonly ResultEntry[] {
  const isSelected = selectors[selection]
  const chosen = entries.filter((entry) => isSelected(entry) && (label === null || classOf(entry) === label))
  // Sorting keeps the order of equals; what has no number comes last.
  if (order === 'least certain') chosen.sort((a, b) => (b.uncertainty ?? -1) - (a.uncertainty ?? -1))
  if (order === 'lowest r2') chosen.sort((a, b) => (a.r2 ?? 2) - (b.r2 ?? 2))
  return chosen
}

const selectors: Readonly<Record<Selection, (entry: ResultEntry) => boolean>> = {
  all: () => true,
  wrong: ({ label, predicted, error }) => error === null && label !== null && label !== predicted,
  right: ({ label, predicted, error }) => error === null && label !== null && label === predicted,
  error: ({ error }) => error !== null,
}

/** As the summary counts it. */
function classOf({ label, predicted }: ResultEntry): number | null {
  return label ?? predicted
}
