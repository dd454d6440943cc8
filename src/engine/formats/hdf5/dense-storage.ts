import { FormatError } from '../../errors.ts'
import type { Hdf5Bytes } from './bytes.ts'

/**
 * Where newer HDF5 files (HDF5 2.0's, unless told otherwise) keep the links of groups with more than eight: in a fractal heap, a
 * space of bytes that is cut into blocks, each row of them twice as large as the one before, and a tree of version 2 that lists
 * what is in it (format specification, III.A.2 and III.G).
 */
export class DenseStorage {
  private readonly idBytes: number
  private readonly offsetBytes: number
  private readonly lengthBytes: number
  private readonly width: number
  private readonly firstBlock: number
  private readonly largestDirect: number
  private readonly root: number | null
  private readonly rootRows: number

  private constructor(
    private readonly file: Hdf5Bytes,
    heap: number,
  ) {
    file.expect(heap, 'FRHP')
    const { offsetSize: O, lengthSize: L } = file
    this.idBytes = file.uint(heap + 5, 2)
    if (file.uint(heap + 7, 2) > 0)
      throw new FormatError('HDF5: the names of a group are compressed, which is not known')
    const largestObject = file.uint(heap + 10, 4)
    const table = heap + 14 + 2 * O + 10 * L
    this.width = file.uint(table, 2)
    this.firstBlock = file.length(table + 2)
    this.largestDirect = file.length(table + 2 + L)
    this.offsetBytes = Math.ceil(file.uint(table + 2 + 2 * L, 2) / 8)
    this.root = file.address(table + 6 + 2 * L)
    this.rootRows = file.uint(table + 6 + 2 * L + O, 2)
    this.lengthBytes = Math.min(bytesFor(this.largestDirect), bytesFor(largestObject))
    if (this.width === 0 || this.firstBlock === 0) throw new FormatError('HDF5: damaged: a heap of no blocks')
  }

  /**
   * Where each object is.
   * @param at of the addresses of the heap and of the tree
   * @param idAt where in the tree's records the objects' numbers stand
   */
  static objectsOf(file: Hdf5Bytes, at: number, idAt: number): number[] {
    const [heap, tree] = [file.address(at), file.address(at + file.offsetSize)]
    if (heap === null || tree === null) return []
    const storage = new DenseStorage(file, heap)
    return recordsOf(file, tree).map((record) => storage.placeOf(record + idAt))
  }

  /** @param at of an object's number: its kind, its place in the heap's space, its length */
  private placeOf(at: number): number {
    const { file } = this
    const kind = (file.byte(at) >> 4) & 3
    if (kind !== 0 || 1 + this.offsetBytes + this.lengthBytes > this.idBytes)
      throw new FormatError('HDF5: what is too large for its heap, or lies in its number, is not known')
    const offset = file.uint(at + 1, this.offsetBytes)
    return this.inBlock(this.root, this.rootRows, offset)
  }

  private inBlock(block: number | null, rows: number, offset: number): number {
    let [address, rowCount, rest] = [block, rows, offset]
    while (address !== null && rowCount > 0) {
      this.file.expect(address, 'FHIB')
      const rowBytes = this.width * this.firstBlock
      const row = rest < rowBytes ? 0 : Math.floor(Math.log2(rest / rowBytes)) + 1
      const blockBytes = this.firstBlock * 2 ** Math.max(row - 1, 0)
      const inRow = rest - (row === 0 ? 0 : rowBytes * 2 ** (row - 1))
      const column = Math.floor(inRow / blockBytes)
      if (row >= rowCount) throw new FormatError('HDF5: damaged: a heap has no such row')
      const entries = address + 5 + this.file.offsetSize + this.offsetBytes
      address = this.file.address(entries + (row * this.width + column) * this.file.offsetSize)
      rest = inRow - column * blockBytes
      rowCount = blockBytes <= this.largestDirect ? 0 : Math.floor(Math.log2(blockBytes / rowBytes)) + 1
    }
    if (address === null) throw new FormatError('HDF5: damaged: a heap has no such block')
    this.file.expect(address, 'FHDB')
    return address + rest
  }
}

/** As many bytes as a number up to this one needs. */
function bytesFor(limit: number): number {
  return Math.floor(Math.log2(Math.max(limit, 1)) / 8) + 1
}

/** Where the records of a tree of version 2 are. */
function recordsOf(file: Hdf5Bytes, tree: number): number[] {
  file.expect(tree, 'BTHD')
  const recordSize = file.uint(tree + 10, 2)
  const depth = file.uint(tree + 12, 2)
  const sizes = pointerSizes(file, file.uint(tree + 6, 4), recordSize, depth)
  const found: number[] = []
  const root = file.address(tree + 16)
  const pending = root === null ? [] : [{ at: root, count: file.uint(tree + 16 + file.offsetSize, 2), level: depth }]
  for (let node = pending.pop(); node; node = pending.pop()) {
    const { at, count, level } = node
    file.expect(at, level === 0 ? 'BTLF' : 'BTIN')
    const first = at + 6
    file.slice(first, count * recordSize)
    for (let i = 0; i < count; i++) {
      file.spend(1)
      found.push(first + i * recordSize)
    }
    if (level === 0) continue
    const pointers = first + count * recordSize
    for (let i = 0; i <= count; i++) {
      const pointer = pointers + i * sizes.pointer[level]
      const child = file.address(pointer)
      if (child === null) throw new FormatError('HDF5: damaged: a tree has no such branch')
      pending.push({ at: child, count: file.uint(pointer + file.offsetSize, sizes.count), level: level - 1 })
    }
  }
  return found
}

/** Of each level's pointers to the next, and of the counts in them: as many bytes as the largest node's need. */
function pointerSizes(file: Hdf5Bytes, nodeSize: number, recordSize: number, depth: number) {
  if (recordSize === 0 || depth > 16) throw new FormatError('HDF5: damaged: a tree that can not be')
  const inLeaf = Math.max(Math.floor((nodeSize - 10) / recordSize), 0)
  const count = bytesFor(inLeaf)
  const pointer = [0]
  let below = inLeaf
  for (let level = 1; level <= depth; level++) {
    const size = file.offsetSize + count + (level > 1 ? bytesFor(below) : 0)
    pointer.push(size)
    const inNode = Math.max(Math.floor((nodeSize - 10 - size) / (recordSize + size)), 0)
    below = (inNode + 1) * below + inNode
  }
  return { count, pointer }
}
