import { FormatError } from '../../errors.ts'
import { type Hdf5Bytes, textOf } from './bytes.ts'
import { DenseStorage } from './dense-storage.ts'
import { type Message, messageTypes } from './object-header.ts'
import { type Hdf5Type, shapeAt, typeAt } from './types.ts'

/** Names to texts: what Keras writes down beside its weights. */

interface Attribute {
  readonly name: string
  readonly type: Hdf5Type
  readonly count: number
  readonly at: number
}

/** The texts of an object's attributes, each a list; those that hold something else are left out. @throws FormatError */
export function textAttributes(file: Hdf5Bytes, messages: readonly Message[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  for (const message of messages) {
    if (message.type === messageTypes.attribute) addTexts(file, message.at, found)
    if (message.type === messageTypes.attributeInfo) {
      const at = message.at + 2 + (file.byte(message.at + 1) & 1 ? 2 : 0)
      for (const place of DenseStorage.objectsOf(file, at, 0)) addTexts(file, place, found)
    }
  }
  return found
}

function addTexts(file: Hdf5Bytes, at: number, found: Map<string, readonly string[]>): void {
  const attribute = attributeAt(file, at)
  const texts = attribute && textsOf(file, attribute)
  if (texts) found.set(attribute.name, texts)
}

/** null for one whose type stands elsewhere. */
function attributeAt(file: Hdf5Bytes, at: number): Attribute | null {
  const version = file.byte(at)
  if (version < 1 || version > 3) throw new FormatError(`HDF5: attributes of version ${version} are not known`)
  if (version > 1 && file.byte(at + 1) !== 0) return null
  const [nameSize, typeSize, shapeSize] = [2, 4, 6].map((place) => file.uint(at + place, 2))
  const padded = (size: number) => (version === 1 ? Math.ceil(size / 8) * 8 : size)
  const nameAt = at + (version === 3 ? 9 : 8)
  const typePlace = nameAt + padded(nameSize)
  const shapePlace = typePlace + padded(typeSize)
  const shape = shapeAt(file, shapePlace)
  return {
    name: textOf(file.slice(nameAt, nameSize)),
    type: typeAt(file, typePlace),
    count: shape === null ? 0 : shape.reduce((product, extent) => product * extent, 1),
    at: shapePlace + padded(shapeSize),
  }
}

/** An empty list has any type: NumPy's is float64. */
function textsOf(file: Hdf5Bytes, { type, count, at }: Attribute): string[] | null {
  if (count === 0) return []
  if (type.kind !== 'text' && type.kind !== 'texts elsewhere') return null
  // Their places are all there before a list of so many is made.
  file.slice(at, count * type.size)
  return Array.from({ length: count }, (_, i) => {
    const place = at + i * type.size
    if (type.kind === 'text') return textOf(file.slice(place, type.size))
    return textElsewhere(file, place)
  })
}

/** @param at of its length, the address of the heap it lies in, and its number there */
function textElsewhere(file: Hdf5Bytes, at: number): string {
  const length = file.uint(at, 4)
  const heap = file.address(at + 4)
  const wanted = file.uint(at + 4 + file.offsetSize, 4)
  if (heap === null || length === 0) return ''
  file.expect(heap, 'GCOL')
  const end = heap + file.length(heap + 8)
  for (let place = heap + 8 + file.lengthSize; place + 8 + file.lengthSize <= end; ) {
    const index = file.uint(place, 2)
    const size = file.length(place + 8)
    if (index === 0) break
    const data = place + 8 + file.lengthSize
    if (index === wanted) {
      file.spend(length)
      return textOf(file.slice(data, Math.min(length, size)))
    }
    place = data + Math.ceil(size / 8) * 8
  }
  throw new FormatError('HDF5: damaged: a text is not where it should be')
}
