import { LimelightError } from '../../errors.ts'
import { Constant, type ReferenceOperand, sizeOf, type Tensor } from '../../tensor.ts'

/** Numbers of leaves that are no constants. */
export type LeafValues = ReadonlyMap<Tensor, ArrayLike<number>>

/**
 * The numbers of a tensor that hangs on constants alone, and on leaves whose numbers are given, by the operations' own float64
 * references: what an operator makes of weights is computed once, when a file is read, by the code that says what the operator means.
 */
export function evaluate(tensor: Tensor, leaves: LeafValues = new Map()): Float64Array {
  const known = new Map<Tensor, ReferenceOperand>()
  // Without recursion: what is folded may be deeper than the stack.
  const pending = [tensor]
  for (let next = pending.at(-1); next; next = pending.at(-1)) {
    const missing = known.has(next) ? [] : next.inputs.filter((input) => !known.has(input))
    if (missing.length > 0) {
      pending.push(...missing)
      continue
    }
    if (!known.has(next)) known.set(next, computed(next, known, leaves))
    pending.pop()
  }
  return operandOf(tensor, known).data
}

function operandOf(tensor: Tensor, known: ReadonlyMap<Tensor, ReferenceOperand>): ReferenceOperand {
  const operand = known.get(tensor)
  if (!operand) throw new LimelightError(`${tensor.operation.name} was to be computed before it was needed`)
  return operand
}

function computed(tensor: Tensor, known: ReadonlyMap<Tensor, ReferenceOperand>, leaves: LeafValues): ReferenceOperand {
  const { operation, inputs, attributes, shape, dtype } = tensor
  const given = leaves.get(tensor)
  if (given) return { shape, dtype, data: Float64Array.from(given) }
  if (tensor instanceof Constant) return { shape, dtype, data: valuesOf(tensor) }
  const output = { shape, dtype, data: new Float64Array(sizeOf(shape)) }
  operation.reference(
    inputs.map((input) => operandOf(input, known)),
    output,
    attributes,
  )
  return output
}

function valuesOf({ values, shape }: Constant): Float64Array {
  return typeof values === 'number' ? new Float64Array(sizeOf(shape)).fill(values) : new Float64Array(values)
}

/** Tensors and all that they are made of, each once. */
export function* withInputs(tensors: readonly Tensor[]): Generator<Tensor> {
  const seen = new Set<Tensor>()
  const pending = [...tensors]
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    pending.push(...next.inputs)
    yield next
  }
}

/** Whether nothing but constants is needed for these. */
export function hangsOnConstants(tensors: readonly Tensor[]): boolean {
  for (const tensor of withInputs(tensors))
    if (tensor.inputs.length === 0 && !(tensor instanceof Constant)) return false
  return true
}
