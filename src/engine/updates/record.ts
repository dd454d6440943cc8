import type { Resident, Tensor } from '../tensor.ts'
import type { Update, UpdateKind } from './update.ts'

/**
 * Writes values into a ring on the device, so that losses can be read every so many steps instead of waiting at each.
 * States: ring [rows, k]. Inputs: position i32 [1] (its row is position mod rows), and k tensors of one number each.
 */
export const recordKind: UpdateKind = {
  name: 'record',
  inputNames: ['position', '...value'],
  flopsPerElement: 0,
  reference([ring], [position, ...values]) {
    const [rows, width] = ring.shape
    values.forEach((value, column) => {
      ring.data[(position.data[0] % rows) * width + column] = value.data[0]
    })
  },
}

export function recordUpdate(ring: Resident, position: Tensor, values: readonly Tensor[]): Update {
  return { kind: recordKind, states: [ring], inputs: [position, ...values], attributes: {} }
}
