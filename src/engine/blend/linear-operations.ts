import type { CompiledModel } from '../model/compiled.ts'
import { binaryOperations } from '../ops/elementwise.ts'
import { reshapeOperation } from '../ops/reshape.ts'
import { type Constant, Resident, sizeOf, type Tensor } from '../tensor.ts'
import type { FoldedTables } from './folded-tables.ts'
import { isKnown, kernelOf } from './linear-ending.ts'
import type { Operations } from './operations-between.ts'

/** Tables, and how far in the network they stand for its operations. */
export interface Tabulated {
  readonly tables: FoldedTables
  /** Of the operation whose result the tables add up to. */
  readonly position: number
  /** Multiplications and additions that it took to get there. */
  readonly flops: number
}

/**
 * Does the linear operations that follow with tables in place of their sums: biases and factors of units, dense layers, and what only
 * reshapes. A sample then adds up what comes of them, not what goes in.
 */
export async function tabulateLinear(
  compiled: CompiledModel,
  { nodes }: Operations,
  start: Tabulated,
): Promise<Tabulated> {
  let { tables, position, flops } = start
  for (;;) {
    const node = nodes[position]
    const [next, ...others] = nodes.slice(position + 1)
    if (!next || others.some(({ inputs }) => inputs.includes(node))) return { tables, position, flops }
    const made = await appliedTo(compiled, tables, node, next)
    if (!made) return { tables, position, flops }
    tables = made.tables
    flops += made.flops
    position++
  }
}

type Applied = Pick<Tabulated, 'tables' | 'flops'>

async function appliedTo(
  compiled: CompiledModel,
  { units, tables }: FoldedTables,
  node: Tensor,
  next: Tensor,
): Promise<Applied | null> {
  const { name } = next.operation
  const numbers = tables.reduce((sum, { values }) => sum + values.length, 0)
  const other = next.inputs.find((input) => input !== node)
  if (name === reshapeOperation.name)
    return next.shape[0] === node.shape[0] ? { tables: { units, tables }, flops: 0 } : null
  const kernel = node.shape.length === 2 ? kernelOf(next, node) : null
  if (kernel) {
    const weights = await valuesOf(compiled, kernel)
    const columns = kernel.shape[1]
    const products = tables.map(({ set, values }) => ({ set, values: product(values, weights, units, columns) }))
    return { tables: { units: columns, tables: products }, flops: 2 * numbers * columns }
  }
  if (!other || !isKnown(other) || sizeOf(next.shape) !== units) return null
  const given = await valuesOf(compiled, other)
  if (name === binaryOperations.add.name && given.length === units) {
    // Every sample sees a row of the first table.
    const [{ set, values }, ...rest] = tables
    const biased = { set, values: values.map((value, i) => value + given[i % units]) }
    return { tables: { units, tables: [biased, ...rest] }, flops: 0 }
  }
  if (name === binaryOperations.mul.name && (given.length === units || given.length === 1)) {
    const scaled = tables.map(({ set, values }) => ({
      set,
      values: values.map((value, i) => value * given[i % given.length]),
    }))
    return { tables: { units, tables: scaled }, flops: numbers }
  }
  return null
}

/** [rows, units] times [units, columns]. */
function product(values: Float64Array, weights: ArrayLike<number>, units: number, columns: number): Float64Array {
  const made = new Float64Array((values.length / units) * columns)
  for (let at = 0; at < values.length; at++) {
    const to = Math.floor(at / units) * columns
    const from = (at % units) * columns
    for (let column = 0; column < columns; column++) made[to + column] += values[at] * weights[from + column]
  }
  return made
}

/** Numbers that the graph knows, or that the model has learned. */
export async function valuesOf(compiled: CompiledModel, tensor: Resident | Constant): Promise<ArrayLike<number>> {
  if (tensor instanceof Resident) return compiled.parameterValues(tensor)
  const { values } = tensor
  return typeof values === 'number' ? new Float64Array(sizeOf(tensor.shape)).fill(values) : values
}
