import { shown } from '../../arguments.ts'
import { FormatError } from '../../errors.ts'
import type { Shape } from '../../tensor.ts'
import { isHdf5 } from '../file-kinds.ts'
import { textAttributes } from './attributes.ts'
import { Hdf5Bytes } from './bytes.ts'
import { type Dataset, datasetOf, numbersOf } from './datasets.ts'
import { linksOf } from './links.ts'
import { type Message, messagesAt } from './object-header.ts'

/**
 * Reads HDF5 files, as far as Keras's h5py writes them: groups of either kind, attributes that are texts, arrays of numbers in one
 * piece or in chunks (gzip, shuffle, fletcher32). By the HDF5 file format specification, version 3.0.
 */

/** A group: its own and its parts' names. */
export class Hdf5Group {
  private readonly messages: readonly Message[]
  private readonly links: ReadonlyMap<string, number>
  /** Those that were asked for: a group with a thousand names is read once. */
  private readonly parts = new Map<string, Hdf5Group>()
  readonly attributes: ReadonlyMap<string, readonly string[]>

  constructor(
    private readonly file: Hdf5Bytes,
    address: number,
  ) {
    this.messages = messagesAt(file, address)
    this.links = datasetOf(file, this.messages) ? new Map() : linksOf(file, this.messages)
    this.attributes = textAttributes(file, this.messages)
  }

  get names(): readonly string[] {
    return [...this.links.keys()]
  }

  /** The group of this path; null where there is none. @throws FormatError where it is damaged */
  group(path: string): Hdf5Group | null {
    let group: Hdf5Group = this
    for (const name of partsOf(path)) {
      const address = group.links.get(name)
      if (address === undefined) return null
      const known: Hdf5Group = group.parts.get(name) ?? new Hdf5Group(this.file, address)
      group.parts.set(name, known)
      group = known
    }
    return group
  }

  /** The array of this path; null where there is none. @throws FormatError where it is damaged */
  array(path: string): Hdf5Array | null {
    const parts = partsOf(path)
    const address = this.group(parts.slice(0, -1).join('/'))?.links.get(parts.at(-1) ?? '')
    if (address === undefined) return null
    const dataset = datasetOf(this.file, messagesAt(this.file, address))
    return dataset && new Hdf5Array(this.file, dataset)
  }

  /** An attribute that is one text. */
  text(name: string): string | undefined {
    return this.attributes.get(name)?.[0]
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '')
}

/** An array of numbers, of which nothing is read yet. */
export class Hdf5Array {
  constructor(
    private readonly file: Hdf5Bytes,
    private readonly dataset: Dataset,
  ) {}

  get shape(): Shape {
    return this.dataset.shape
  }

  /** @throws FormatError where its numbers are not all there, or of no known type */
  numbers(): Promise<Float32Array<ArrayBuffer>> {
    return numbersOf(this.file, this.dataset)
  }
}

/** The group that holds all others. @throws FormatError for what is no HDF5 file, or a damaged one */
export function openHdf5(bytes: Uint8Array): Hdf5Group {
  if (!isHdf5(bytes)) throw new FormatError('not an HDF5 file: its first bytes are others')
  const file = new Hdf5Bytes(bytes)
  const version = file.byte(8)
  if (version > 3) throw new FormatError(`HDF5: files of version ${version} are not known; known are 0 to 3`)
  const sizes = version < 2 ? 13 : 9
  file.offsetSize = sizeIn(file, sizes)
  file.lengthSize = sizeIn(file, sizes + 1)
  const base = version < 2 ? (version === 0 ? 24 : 28) : 12
  if (file.uint(base, file.offsetSize) !== 0) throw new FormatError('HDF5: it does not begin where it should')
  // Of the older kind: four addresses, then an entry of the root group, its name first.
  const root = file.address(base + (version < 2 ? 5 : 3) * file.offsetSize)
  if (root === null) throw new FormatError('HDF5: damaged: it has no root group')
  return new Hdf5Group(file, root)
}

function sizeIn(file: Hdf5Bytes, at: number): number {
  const size = file.byte(at)
  if (![2, 4, 8].includes(size)) throw new FormatError(`HDF5: addresses of ${shown(size)} bytes can not be`)
  return size
}
