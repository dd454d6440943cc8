import type { OperatorTable } from './operator-table.ts'

export const elementwiseOperators: OperatorTable = {}
