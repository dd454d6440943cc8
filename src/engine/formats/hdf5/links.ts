import { FormatError } from '../../errors.ts'
import { type Hdf5Bytes, textOf } from './bytes.ts'
import { DenseStorage } from './dense-storage.ts'
import { type Message, messageTypes } from './object-header.ts'

/** What a group holds: names, and the addresses of the objects that they mean. */

export function linksOf(file: Hdf5Bytes, messages: readonly Message[]): ReadonlyMap<string, number> {
  const links = new Map<string, number>()
  for (const { type, at } of messages) {
    if (type === messageTypes.link) addLink(file, at, links)
    if (type === messageTypes.symbolTable) addSymbols(file, at, links)
    if (type === messageTypes.linkInfo) {
      const addresses = at + 2 + (file.byte(at + 1) & 1 ? 8 : 0)
      // A record of the tree of names begins with the name's hash.
      for (const place of DenseStorage.objectsOf(file, addresses, 4)) addLink(file, place, links)
    }
  }
  return links
}

/** A link of the newer kind. Those to other places by name, and to other files, are left out: Keras writes none. */
function addLink(file: Hdf5Bytes, at: number, links: Map<string, number>): void {
  const flags = file.byte(at + 1)
  let place = at + 2
  const isHard = !(flags & 8) || file.byte(place++) === 0
  if (flags & 4) place += 8
  if (flags & 16) place += 1
  const sizeBytes = 1 << (flags & 3)
  const size = file.uint(place, sizeBytes)
  place += sizeBytes
  file.spend(size)
  const address = isHard ? file.address(place + size) : null
  if (address !== null) links.set(textOf(file.slice(place, size)), address)
}

/** Links of the older kind: a tree, whose leaves are tables of names and addresses, and a heap of names. */
function addSymbols(file: Hdf5Bytes, at: number, links: Map<string, number>): void {
  const [tree, heap] = [file.address(at), file.address(at + file.offsetSize)]
  if (tree === null || heap === null) throw new FormatError('HDF5: damaged: a group without its names')
  file.expect(heap, 'HEAP')
  const names = file.address(heap + 8 + 2 * file.lengthSize)
  const namesSize = file.length(heap + 8)
  if (names === null) throw new FormatError('HDF5: damaged: a group without its names')
  const { offsetSize } = file
  for (const table of childrenOf(file, tree, 0, file.lengthSize)) {
    file.expect(table.at, 'SNOD')
    const count = file.uint(table.at + 6, 2)
    for (let i = 0; i < count; i++) {
      const entry = table.at + 8 + i * (2 * offsetSize + 24)
      const nameAt = file.uint(entry, offsetSize)
      const address = file.address(entry + offsetSize)
      const name = textOf(file.slice(names + nameAt, Math.min(1024, namesSize - nameAt)))
      file.spend(name.length)
      // 2: a link to another place by name.
      if (address !== null && file.uint(entry + 2 * offsetSize, 4) !== 2) links.set(name, address)
    }
  }
}

export interface Child {
  /** What stands before it in the node: of chunks, their sizes and places. */
  readonly key: number
  readonly at: number
}

/** The leaves' children of a tree of version 1. */
export function childrenOf(file: Hdf5Bytes, tree: number, kind: number, keyBytes: number): Child[] {
  const found: Child[] = []
  const pending: { at: number; level: number | null }[] = [{ at: tree, level: null }]
  for (let node = pending.pop(); node; node = pending.pop()) {
    file.expect(node.at, 'TREE')
    const level = file.byte(node.at + 5)
    if (file.byte(node.at + 4) !== kind || (node.level !== null && level !== node.level))
      throw new FormatError('HDF5: damaged: a branch of a tree belongs to another')
    const count = file.uint(node.at + 6, 2)
    const first = node.at + 8 + 2 * file.offsetSize
    const step = keyBytes + file.offsetSize
    for (let i = 0; i < count; i++) {
      const key = first + i * step
      const at = file.address(key + keyBytes)
      if (at === null) throw new FormatError('HDF5: damaged: a tree has no such branch')
      if (level === 0) found.push({ key, at })
      else pending.push({ at, level: level - 1 })
    }
  }
  return found
}
