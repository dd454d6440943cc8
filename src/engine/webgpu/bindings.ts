import type { PlanOperand } from '../plan/plan.ts'
import { alignment } from '../tensor.ts'
import { type BindingKind, boundBytes, type Dispatch, read, scratch } from './dispatch.ts'
import { copyDispatch, type StepContext } from './lowering.ts'

/**
 * Every space of a plan is one buffer. WebGPU forbids a dispatch to read a buffer through a read-only binding and to write
 * another part of it; so whatever lies in a buffer that a dispatch writes is bound read_write, everything else read. Two
 * read_write bindings must not overlap: an operand that does (the product of an arena tensor with itself, say) is first
 * copied to scratch.
 */

/** What lies in a buffer that the dispatch writes must be bound read_write. */
export function bindingKinds({ bindings }: Dispatch, bufferOf: (space: string) => unknown): BindingKind[] {
  const written = new Set(
    bindings.filter(({ access }) => access === 'write').map(({ operand }) => bufferOf(operand.space)),
  )
  return bindings.map(({ operand, access }) =>
    written.has(bufferOf(operand.space)) ? 'read_write' : access === 'uniform' ? 'uniform' : 'read',
  )
}

/** The dispatch, after copies of the operands it could not bind: those that overlap in a buffer it writes. */
export function separate(
  dispatch: Dispatch,
  bufferOf: (space: string) => unknown,
  contextFor: StepContext,
): Dispatch[] {
  const kinds = bindingKinds(dispatch, bufferOf)
  const copies: Dispatch[] = []
  let end = dispatch.bindings
    .filter(({ operand }) => operand.space === 'scratch')
    .reduce((bytes, { operand }) => Math.max(bytes, operand.offset + boundBytes(operand)), 0)
  const bindings = dispatch.bindings.map((binding, index) => {
    if (binding.access === 'write' || kinds[index] !== 'read_write') return binding
    const { operand } = binding
    const isTaken = dispatch.bindings.some(
      (other, at) =>
        at !== index &&
        (other.access === 'write' || at < index) &&
        bufferOf(other.operand.space) === bufferOf(operand.space) &&
        operand.offset < other.operand.offset + boundBytes(other.operand) &&
        other.operand.offset < operand.offset + boundBytes(operand),
    )
    if (!isTaken) return binding
    const copy: PlanOperand = {
      ...scratch(operand.shape, Math.ceil(end / alignment) * alignment),
      dtype: operand.dtype,
    }
    end = copy.offset + boundBytes(copy)
    copies.push(copyDispatch(operand, copy, contextFor))
    return read(binding.name, copy, binding.element)
  })
  return [...copies, { ...dispatch, bindings }]
}
