import type { OperatorFunction, OperatorSet } from '../operators/operator-call.ts'
import type { OperatorNode } from '../operators/operator-graph.ts'

/**
 * Operators by name: one function where all versions from opset 6 on mean the same, or a list of versions, the newest first.
 * What a version only adds (another type, an attribute with a default) needs no entry of its own.
 */
export type OperatorTable = Readonly<Record<string, OperatorFunction | readonly OpsetRange[]>>

export interface OpsetRange {
  /** The first opset with this meaning; 6 for what was there before. */
  readonly since: number
  readonly run: OperatorFunction
}

/** The operators of several tables as one set, each found by its name and the node's opset. */
export function operatorSet(name: string, ...tables: readonly OperatorTable[]): OperatorSet {
  const all = new Map(tables.flatMap((table) => Object.entries(table)))
  return {
    name,
    find({ operator, version }: OperatorNode) {
      const entry = all.get(operator)
      if (entry === undefined || typeof entry === 'function') return entry
      return entry.find(({ since }) => since <= version)?.run
    },
  }
}
