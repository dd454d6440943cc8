import type { Attributes, ReferenceOperand, Resident, Tensor } from '../tensor.ts'

/**
 * A change of device state, made after everything a plan computes: the only way a plan writes to residents. An
 * optimizer makes one update a parameter and a network one a state of its own; flat-updates.ts joins those that lie side by side.
 * All updates see the states as they were before any.
 */
export interface UpdateKind {
  readonly name: string
  /** Of its inputs, as an operation's. */
  readonly inputNames: readonly string[]
  reference(states: readonly ReferenceOperand[], inputs: readonly ReferenceOperand[], attributes: Attributes): void
  readonly flopsPerElement: number
}

export interface Update {
  readonly kind: UpdateKind
  readonly states: readonly Resident[]
  readonly inputs: readonly Tensor[]
  readonly attributes: Attributes
}
