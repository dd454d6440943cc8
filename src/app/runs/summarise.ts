import { LeastCertain, uncertaintyOf } from '../batch/least-certain.ts'
import type { ColumnName, ResultRow } from './result-row.ts'

/** What very many explanations come to: rows are looked at one after the other, and none is kept. */

/** The columns that a summary needs. */
export const summarised = [
  'id',
  'position',
  'label_index',
  'label',
  'class_index',
  'class_name',
  'predicted',
  'r2',
  'weights',
  'weights_low',
  'weights_high',
  'error',
] as const satisfies readonly ColumnName[]

export type SummarisedRow = Pick<ResultRow, (typeof summarised)[number]>

export interface RunSummary {
  readonly images: number
  readonly rows: number
  readonly errors: number
  readonly classes: readonly ClassSummary[]
  /** The images whose weights are the least certain. */
  readonly mostUnstable: readonly Unstable[]
  /** The most frequent reasons why images could not be explained. */
  readonly reasons: readonly { readonly error: string; readonly images: number }[]
}

/** Of the images of a class: the true one where it is known, else the predicted one. */
export interface ClassSummary {
  readonly label: number
  readonly name: string
  readonly images: number
  /** How many of them the network takes for it; left out where no true class is known. */
  readonly recognised?: number
  /** Of the surrogates of the predicted class; null where the method has none. */
  readonly meanR2: number | null
  /** Mean sum of the weights for the class; null where it was not explained. */
  readonly meanEvidence: number | null
  readonly mostUnstable: Unstable | null
  readonly errors: number
}

export interface Unstable {
  readonly id: string
  /** Half the widths of the weights' intervals over the weights; 1 - R² where there are no intervals. */
  readonly uncertainty: number
  readonly r2: number | null
}

class Mean {
  private sum = 0
  private count = 0

  add(value: number | null): void {
    if (value === null) return
    this.sum += value
    this.count++
  }

  get value(): number | null {
    return this.count > 0 ? this.sum / this.count : null
  }
}

class ClassTally {
  name: string | undefined
  images = 0
  known = 0
  recognised = 0
  errors = 0
  readonly r2 = new Mean()
  readonly evidence = new Mean()
  readonly unstable = new LeastCertain<Unstable>(1)
}

/** Reasons that are told apart; each is one of few, unless it names the picture. */
const mostReasons = 1000
const shownReasons = 10

export class SummaryTally {
  private images = 0
  private rows = 0
  private errors = 0
  private readonly classes = new Map<number, ClassTally>()
  private readonly reasons = new Map<string, number>()
  private readonly unstable = new LeastCertain<Unstable>()

  add(row: SummarisedRow): void {
    this.rows++
    if (row.position === 0) this.images++
    if (row.error !== null) this.addError(row.error)
    const of = row.label_index ?? row.predicted
    if (of === null) return
    const tally = this.classes.get(of) ?? new ClassTally()
    this.classes.set(of, tally)
    if (row.error !== null) {
      tally.errors++
      return
    }
    if (row.position === 0) {
      tally.images++
      if (row.label_index !== null) tally.known++
      if (row.label_index === row.predicted) tally.recognised++
    }
    if (row.class_index === of) {
      tally.name ??= row.class_name ?? undefined
      tally.evidence.add(sumOf(row.weights))
    }
    if (row.class_index !== row.predicted) return
    tally.r2.add(row.r2)
    const unstable = { id: row.id, uncertainty: uncertaintyOfRow(row), r2: row.r2 }
    tally.unstable.add(unstable)
    this.unstable.add(unstable)
  }

  result(): RunSummary {
    const classes = [...this.classes].sort(([a], [b]) => a - b)
    const reasons = [...this.reasons].sort(([, a], [, b]) => b - a).slice(0, shownReasons)
    return {
      images: this.images,
      rows: this.rows,
      errors: this.errors,
      classes: classes.map(([label, tally]) => ({
        label,
        name: tally.name ?? `class ${label}`,
        images: tally.images,
        ...(tally.known > 0 && { recognised: tally.recognised }),
        meanR2: tally.r2.value,
        meanEvidence: tally.evidence.value,
        mostUnstable: tally.unstable.list().at(0) ?? null,
        errors: tally.errors,
      })),
      mostUnstable: this.unstable.list(),
      reasons: reasons.map(([error, images]) => ({ error, images })),
    }
  }

  private addError(error: string): void {
    this.errors++
    const before = this.reasons.get(error)
    if (before !== undefined || this.reasons.size < mostReasons) this.reasons.set(error, (before ?? 0) + 1)
  }
}

function sumOf(weights: ResultRow['weights']): number | null {
  return weights?.reduce<number>((sum, weight) => sum + (weight ?? 0), 0) ?? null
}

/** How uncertain a row's weights are: see Unstable. */
export function uncertaintyOfRow({
  weights,
  weights_low: low,
  weights_high: high,
  r2,
}: Pick<ResultRow, 'weights' | 'weights_low' | 'weights_high' | 'r2'>): number {
  if (!weights || !low || !high) return 1 - (r2 ?? 1)
  return uncertaintyOf(
    weights.map((weight) => weight ?? 0),
    low.map((value, segment) => [value ?? 0, high[segment] ?? 0] as const),
  )
}
