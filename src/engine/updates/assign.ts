import { ShapeError } from '../errors.ts'
import { formatShape, type Resident, sameShape, type Tensor } from '../tensor.ts'
import type { Update, UpdateKind } from './update.ts'

/**
 * A state becomes a value that the step computed: state := value. This is how a network keeps what no optimizer learns, the
 * moving averages of batch normalisation, say. The value may be computed from the state itself: all updates see states as they
 * were before any. States: state. Inputs: value, of its shape.
 */
export const assignKind: UpdateKind = {
  name: 'assign',
  inputNames: ['value'],
  flopsPerElement: 0,
  reference([state], [value]) {
    state.data.set(value.data)
  },
}

/** @throws ShapeError when the value does not fit */
export function assignUpdate(state: Resident, value: Tensor): Update {
  if (!sameShape(state.shape, value.shape) || state.dtype !== value.dtype)
    throw new ShapeError(
      `assign: a value ${value.dtype} ${formatShape(value.shape)} for a state ${state.dtype} ${formatShape(state.shape)}; expected the same`,
    )
  return { kind: assignKind, states: [state], inputs: [value], attributes: {} }
}
