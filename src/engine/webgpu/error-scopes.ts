import { DeviceError } from '../errors.ts'

/**
 * Runs `create`; `verdict` rejects with a DeviceError if WebGPU refused anything in it: memory there is not, or what its
 * validation forbids. Scopes nest, so `create` must not wait for anything.
 */
export function scoped<T>(gpu: GPUDevice, create: () => T): { value: T; verdict: Promise<void> } {
  gpu.pushErrorScope('out-of-memory')
  gpu.pushErrorScope('validation')
  const scopes: Promise<GPUError | null>[] = []
  try {
    return {
      value: create(),
      verdict: Promise.resolve().then(async () => {
        const [invalid, full] = await Promise.all(scopes)
        if (full) throw new DeviceError(`webgpu: out of memory: ${full.message}`)
        if (invalid) throw new DeviceError(`webgpu: ${invalid.message}`)
      }),
    }
  } finally {
    // A lost device has no errors to tell; its loss is reported by itself.
    for (let scope = 0; scope < 2; scope++) scopes.push(gpu.popErrorScope().catch(() => null))
  }
}
