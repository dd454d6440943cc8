import type { Memory } from '../device.ts'
import { DeviceError } from '../errors.ts'
import type { DType } from '../tensor.ts'

const pageBytes = 65536
/** 4 GiB, all that 32-bit addresses reach. */
const mostPages = 65536
/** Addresses are compared as signed numbers in loops: no block may lie on both sides. */
const signBorder = 2 ** 31
/** Vector loads may read up to one vector past an operand's end: every block is followed by this much of its own. */
const slack = 64
const alignment = 64

/** Shared memory must have its largest size's addresses reserved at once, which small systems refuse: then less. */
function reserveShared(): WebAssembly.Memory | null {
  for (let maximum = mostPages; maximum >= 4096; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial: 1, maximum, shared: true })
    } catch {}
  }
  return null
}

/**
 * One WebAssembly memory in blocks. First fit from a list of free stretches, which grows the memory when nothing fits;
 * neighbours are joined when freed. Addresses never move, so kernels can have them built in.
 */
export class LinearMemory {
  readonly memory: WebAssembly.Memory
  readonly isShared: boolean
  /** What was released while the memory is held. */
  private held: { address: number; size: number }[] | null = null
  private free: Stretch[] = [{ start: alignment, end: pageBytes }]

  /** `shared`: several threads may work on it, if the engine lets them. */
  constructor({ shared = false }: { readonly shared?: boolean } = {}) {
    const sharedMemory = shared ? reserveShared() : null
    this.isShared = sharedMemory !== null
    this.memory = sharedMemory ?? new WebAssembly.Memory({ initial: 1, maximum: mostPages })
  }

  /** A zero-filled block. @throws DeviceError when the memory can't grow any further */
  allocate(dtype: DType, byteLength: number): LinearBlock {
    if (!Number.isSafeInteger(byteLength) || byteLength < 0)
      throw new DeviceError(`cpu: no block has ${byteLength} bytes`)
    const size = Math.ceil((byteLength + slack) / alignment) * alignment
    let address = this.take(size)
    if (address === null) {
      this.grow(size)
      address = this.take(size)
    }
    if (address === null) throw new DeviceError(`cpu: no ${size} bytes of memory in one piece`)
    new Uint8Array(this.memory.buffer, address, size).fill(0)
    return new LinearBlock(this, dtype, byteLength, address, size)
  }

  /** From here on what is released stays as it is until letGo(): somebody still works on it. */
  hold(): void {
    this.held ??= []
  }

  letGo(): void {
    const released = this.held ?? []
    this.held = null
    for (const { address, size } of released) this.release(address, size)
  }

  release(address: number, size: number): void {
    if (this.held) {
      this.held.push({ address, size })
      return
    }
    this.free = joined([...this.free, { start: address, end: address + size }])
  }

  /** Takes the first stretch that fits; null if there is none. */
  private take(size: number): number | null {
    for (const stretch of this.free) {
      const address = placeIn(stretch, size)
      if (address + size > stretch.end) continue
      this.free = this.free.flatMap((other) =>
        other === stretch
          ? [
              { start: stretch.start, end: address },
              { start: address + size, end: stretch.end },
            ].filter(({ start, end }) => end > start)
          : [other],
      )
      return address
    }
    return null
  }

  private grow(size: number): void {
    const end = this.memory.buffer.byteLength
    // What is free at the end counts: only the rest is new.
    const tail = this.free.find((stretch) => stretch.end === end) ?? { start: end, end }
    try {
      this.memory.grow(Math.ceil((placeIn(tail, size) + size - end) / pageBytes))
    } catch {
      throw new DeviceError(
        `cpu: out of memory: ${size} more bytes were asked for, ${end} are in use. Use a smaller batch or less data at once.`,
      )
    }
    this.free = joined([...this.free, { start: end, end: this.memory.buffer.byteLength }])
  }
}

interface Stretch {
  start: number
  end: number
}

/** Where in a stretch a block can begin. */
function placeIn({ start }: Stretch, size: number): number {
  return start < signBorder && start + size > signBorder ? signBorder : start
}

/** Neighbours become one. */
function joined(stretches: readonly Stretch[]): Stretch[] {
  const merged: Stretch[] = []
  for (const stretch of [...stretches].sort((a, b) => a.start - b.start)) {
    const last = merged[merged.length - 1]
    if (last && last.end === stretch.start) last.end = stretch.end
    else merged.push({ ...stretch })
  }
  return merged
}

/** A stretch of the linear memory that belongs to one owner. */
export class LinearBlock implements Memory {
  /** Whether its bytes may belong to another block by now. */
  isReleased = false

  constructor(
    readonly owner: LinearMemory,
    readonly dtype: DType,
    readonly byteLength: number,
    readonly address: number,
    private readonly size: number,
  ) {}

  dispose(): void {
    if (this.isReleased) return
    this.isReleased = true
    this.owner.release(this.address, this.size)
  }
}

/**
 * The programs' arenas, or their steps' common workspaces. What is in one matters during a run only, and runs follow one another: a program takes the smallest
 * arena there is that it fits into, beside those that have it already.
 */
export class Arenas {
  private readonly users = new Map<LinearBlock, number>()

  constructor(private readonly memory: LinearMemory) {}

  acquire(byteLength: number): LinearBlock {
    const fitting = [...this.users.keys()].filter((block) => block.byteLength >= byteLength)
    const block = fitting.sort((a, b) => a.byteLength - b.byteLength)[0] ?? this.memory.allocate('f32', byteLength)
    this.users.set(block, (this.users.get(block) ?? 0) + 1)
    return block
  }

  release(block: LinearBlock): void {
    const users = (this.users.get(block) ?? 0) - 1
    this.users.set(block, users)
    if (users > 0) return
    this.users.delete(block)
    block.dispose()
  }
}
