import type { Memory } from '../device.ts'
import { DeviceError } from '../errors.ts'
import { alignment, type DType } from '../tensor.ts'
import type { Counters } from './counters.ts'
import { bufferUsage, WebGPUMemory } from './memory.ts'

/** All buffers of a device: it makes and counts them, and frees with the device whatever nobody freed before. */
export class Buffers {
  private readonly memories = new Set<WebGPUMemory>()

  constructor(
    private readonly gpu: GPUDevice,
    private readonly counters: Counters,
  ) {}

  createMemory(dtype: DType, bytes: number, label: string): WebGPUMemory {
    const usage = bufferUsage.storage | bufferUsage.uniform | bufferUsage.copySource | bufferUsage.copyTarget
    const memory = new WebGPUMemory(dtype, bytes, this.create(label, bytes, usage), () => {
      this.counters.liveBuffers--
      this.memories.delete(memory)
    })
    this.memories.add(memory)
    return memory
  }

  /** A buffer to copy results to and to read on the host; destroyReadable frees it. */
  createReadable(bytes: number): GPUBuffer {
    return this.create('read', bytes, bufferUsage.mapRead | bufferUsage.copyTarget)
  }

  destroyReadable(buffer: GPUBuffer): void {
    buffer.destroy()
    this.counters.liveBuffers--
  }

  /** @throws DeviceError for memory of another device, and for what was disposed */
  own(memory: Memory): WebGPUMemory {
    if (!(memory instanceof WebGPUMemory) || !(memory.isFreed || this.memories.has(memory)))
      throw new DeviceError('webgpu: this memory belongs to another device')
    if (memory.isFreed) throw new DeviceError('webgpu: this memory was disposed')
    return memory
  }

  write(memory: WebGPUMemory, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    // Deno 2.9 dies of an empty array.
    if (bytes.byteLength === 0) return
    this.gpu.queue.writeBuffer(memory.buffer, offset, bytes)
    this.counters.writes++
    this.counters.bytesWritten += bytes.byteLength
  }

  dispose(): void {
    for (const memory of [...this.memories]) memory.dispose()
  }

  private create(label: string, bytes: number, usage: number): GPUBuffer {
    this.counters.buffers++
    this.counters.liveBuffers++
    return this.gpu.createBuffer({ label, size: Math.max(alignment, Math.ceil(bytes / 4) * 4), usage })
  }
}
