import { isNumberArray, shown } from '../arguments.ts'
import { ArgumentError, ShapeError } from '../errors.ts'
import { formatShape, isNumberList, isShape, type Shape, sameShape, sizeOf } from '../tensor.ts'
import type { Network } from './network.ts'

/** Numbers for parameters, by name. */
export type ParameterValues = ReadonlyMap<string, { readonly shape: Shape; readonly data: ArrayLike<number> }>

/** Whether all are finite: every(Number.isFinite) takes ten times as long, which is felt where weights are millions. */
export function areFinite(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false
  return true
}

/** Replaces a network's parameters, all of them or none. @throws ShapeError when a name or a shape does not fit */
export function setParameters({ parameters }: Network, values: ParameterValues): void {
  if (!(values instanceof Map)) throw new ArgumentError(`setWeights: expected a Map by name, not ${shown(values)}`)
  const unknown: unknown = [...values.keys()].find((name) => parameters.every((parameter) => parameter.name !== name))
  if (unknown !== undefined) throw new ShapeError(`setWeights: the model has no weight ${shown(unknown)}`)
  // All are looked at before any is changed.
  const given = parameters.map(({ name, shape }) => {
    const value = values.get(name)
    if (!value) throw new ShapeError(`setWeights: "${name}" is missing; expected ${formatShape(shape)}`)
    if (!isNumberArray(value.data) && !isNumberList(value.data))
      throw new ArgumentError(`setWeights: "${name}" must be { shape, data }, not ${shown(value)}`)
    if (!isShape(value.shape) || sizeOf(shape) !== value.data.length || !sameShape(value.shape, shape))
      throw new ShapeError(
        `setWeights: "${name}" has ${value.data.length} numbers of shape ${shown(value.shape)}; expected ${formatShape(shape)}`,
      )
    return value
  })
  parameters.forEach(({ data }, i) => data.set(given[i].data))
}
