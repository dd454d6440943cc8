import type { HostArray, Memory } from '../device.ts'
import { DeviceError } from '../errors.ts'
import type { DType } from '../tensor.ts'

/** WebGPU's usage flags, by value: dawn.node defines no global constants. */
export const bufferUsage = { mapRead: 0x01, copySource: 0x04, copyTarget: 0x08, uniform: 0x40, storage: 0x80 } as const
export const mapRead = 0x01

/** One buffer. Its size is a multiple of 4, as copies ask for, and never 0. */
export class WebGPUMemory implements Memory {
  private freed = false

  constructor(
    readonly dtype: DType,
    readonly byteLength: number,
    readonly buffer: GPUBuffer,
    private readonly onFree: () => void,
  ) {}

  get isFreed(): boolean {
    return this.freed
  }

  dispose(): void {
    if (this.freed) return
    this.freed = true
    this.buffer.destroy()
    this.onFree()
  }
}

/** Puts numbers into bytes as a type's; f32 from float64 is rounded. */
export function encode(dtype: DType, data: ArrayLike<number>, target: ArrayBuffer, offset: number): void {
  const type = dtype === 'f32' ? Float32Array : dtype === 'i32' ? Int32Array : Uint8Array
  new type(target, offset, data.length).set(data)
}

/** The bytes of `data` as a type's, padded to whole words; the array itself where it has the type. */
export function bytesOf(dtype: DType, data: HostArray): Uint8Array<ArrayBuffer> {
  const isTyped =
    (dtype === 'f32' && data instanceof Float32Array) ||
    (dtype === 'i32' && data instanceof Int32Array) ||
    (dtype === 'u8' && data instanceof Uint8Array && data.byteLength % 4 === 0)
  // writeBuffer takes no shared memory.
  if (isTyped && data.buffer instanceof ArrayBuffer)
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const bytes = new ArrayBuffer(Math.ceil((data.length * (dtype === 'u8' ? 1 : 4)) / 4) * 4)
  encode(dtype, data, bytes, 0)
  return new Uint8Array(bytes)
}

export function decode(dtype: DType, bytes: ArrayBuffer, offset: number, elements: number): HostArray {
  const type = dtype === 'f32' ? Float32Array : dtype === 'i32' ? Int32Array : Uint8Array
  return new type(bytes, offset, elements)
}

/** @throws DeviceError where bytes can not be written alone: memory is written in whole words */
export function checkWrite(memory: Memory, elements: number, offset: number): void {
  const bytes = elements * (memory.dtype === 'u8' ? 1 : 4)
  if (offset < 0 || offset + bytes > memory.byteLength)
    throw new DeviceError(
      `webgpu: write of ${bytes} bytes at ${offset} does not fit into a block of ${memory.byteLength} bytes`,
    )
  if (offset % 4 !== 0 || (bytes % 4 !== 0 && offset + bytes !== memory.byteLength))
    throw new DeviceError(
      `webgpu: write of ${bytes} bytes at ${offset}: bytes are written four at a time, except at the block's end`,
    )
}
