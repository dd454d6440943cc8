import type { OperatorTable } from './operator-table.ts'

export const reductionOperators: OperatorTable = {}
