import type { CpuDeviceOptions } from './cpu/device.ts'
import type { Device, DeviceKind } from './device.ts'
import { ArgumentError, DeviceError } from './errors.ts'

/** What people may ask for: a device by name, or the best there is. */
export const deviceNames = ['auto', 'webgpu', 'cpu', 'reference'] as const
export type DeviceName = (typeof deviceNames)[number]

/**
 * Opens a device. 'auto' takes a real GPU if there is one, else the processor: a software WebGPU adapter is slower than
 * `cpu` and is taken only by name. `options` are for the processor, if that is what computes.
 * @throws DeviceError when the device asked for can't be had, ArgumentError for a name or an option that does not exist
 */
export async function openDevice(name: DeviceName = 'auto', options: CpuDeviceOptions = {}): Promise<Device> {
  if (!deviceNames.includes(name)) throw new ArgumentError(`no device "${name}"; there are ${deviceNames.join(', ')}`)
  return name === 'auto' ? ((await openRealGpu()) ?? open('cpu', options)) : open(name, options)
}

/** Implementations are loaded when they are asked for: a page that never trains in float64 never fetches the loops. */
async function open(kind: DeviceKind, options: CpuDeviceOptions): Promise<Device> {
  switch (kind) {
    case 'webgpu':
      return (await import('./webgpu/device.ts')).openWebGPUDevice()
    case 'cpu':
      return new (await import('./cpu/device.ts')).CpuDevice(options)
    case 'reference':
      return new (await import('./reference/device.ts')).ReferenceDevice()
  }
}

async function openRealGpu(): Promise<Device | null> {
  try {
    return await (await import('./webgpu/device.ts')).openWebGPUDevice({ allowFallbackAdapter: false })
  } catch (error) {
    if (error instanceof DeviceError) return null
    throw error
  }
}
