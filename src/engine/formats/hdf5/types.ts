import { FormatError } from '../../errors.ts'
import type { Hdf5Bytes } from './bytes.ts'

/** What an HDF5 file says of numbers and texts: their type, and how many there are. */

export type Hdf5Type =
  | { readonly kind: 'integer'; readonly size: number; readonly signed: boolean; readonly littleEndian: boolean }
  | { readonly kind: 'float'; readonly size: number; readonly brain: boolean; readonly littleEndian: boolean }
  | { readonly kind: 'text'; readonly size: number }
  /** Texts of any length lie elsewhere: here is their length and address. */
  | { readonly kind: 'texts elsewhere'; readonly size: number }
  /** What Keras's files hold beside what is read. */
  | { readonly kind: 'other'; readonly size: number }

/** The type at this place. @throws FormatError for floats of no known machine */
export function typeAt(file: Hdf5Bytes, at: number): Hdf5Type {
  const size = file.uint(at + 4, 4)
  const bits = file.byte(at + 1)
  const littleEndian = (bits & 1) === 0
  switch (file.byte(at) & 15) {
    case 0:
      if (![1, 2, 4, 8].includes(size)) return { kind: 'other', size }
      return { kind: 'integer', size, signed: (bits & 8) !== 0, littleEndian }
    case 1: {
      const exponentBits = file.byte(at + 8 + 5)
      const brain = size === 2 && exponentBits === 8
      const usual = { 2: 5, 4: 8, 8: 11 }[size]
      if (exponentBits !== usual && !brain)
        throw new FormatError(`HDF5: floats of ${size} bytes with an exponent of ${exponentBits} bits are not known`)
      return { kind: 'float', size, brain, littleEndian }
    }
    case 3:
      return { kind: 'text', size }
    case 9:
      return (bits & 15) === 1 ? { kind: 'texts elsewhere', size } : { kind: 'other', size }
    default:
      return { kind: 'other', size }
  }
}

/** The format's own limit. */
const mostAxes = 32

/** The shape at this place: [] for one value alone, null for none at all. @throws FormatError */
export function shapeAt(file: Hdf5Bytes, at: number): readonly number[] | null {
  const version = file.byte(at)
  const rank = file.byte(at + 1)
  if (version !== 1 && version !== 2) throw new FormatError(`HDF5: shapes of version ${version} are not known`)
  if (rank > mostAxes) throw new FormatError(`HDF5: damaged: ${rank} axes; at most ${mostAxes} can be`)
  if (version === 2 && file.byte(at + 3) === 2) return null
  const first = at + (version === 1 ? 8 : 4)
  return Array.from({ length: rank }, (_, axis) => file.length(first + axis * file.lengthSize))
}
