import type { LineKind } from './result-file.ts'

/** What a summary needs of a test image's line: its label map, above all, is left out. */
export interface TestImageLine {
  readonly index: number
  readonly label: number
  readonly predicted: number
  /** Whether there are scores and intervals is the method's. */
  readonly explanation: Readonly<Record<string, ExplainedLabel>>
}

interface ExplainedLabel {
  readonly score?: number | null
  readonly weights: readonly Pair[]
  readonly intervals?: readonly Pair[]
}

type Pair = readonly [number, number]

export const testImageLine: LineKind<TestImageLine> = {
  read: (content) => (isLine(content) ? kept(content) : null),
  keyOf: ({ index }) => index,
}

function kept({ index, label, predicted, explanation }: TestImageLine): TestImageLine {
  const labels = Object.entries(explanation).map(
    ([of, { score, weights, intervals }]) => [of, { score, weights, intervals }] as const,
  )
  return { index, label, predicted, explanation: Object.fromEntries(labels) }
}

function isLine(value: object): value is TestImageLine {
  const { index, label, predicted, explanation } = value as Partial<Record<string, unknown>>
  return (
    [index, label, predicted].every((number) => Number.isSafeInteger(number) && Number(number) >= 0) &&
    typeof explanation === 'object' &&
    explanation !== null &&
    Object.values(explanation).every(isExplained)
  )
}

function isExplained(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { score, weights, intervals } = value as Partial<Record<string, unknown>>
  return (
    (score === undefined || score === null || typeof score === 'number') &&
    arePairs(weights) &&
    (intervals === undefined || arePairs(intervals))
  )
}

function arePairs(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    // null: what was no number.
    value.every(
      (pair) =>
        Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'number' || part === null),
    )
  )
}
