import { check, optionsOf, shown } from './arguments.ts'
import { type CpuDeviceOptions, cpuOptions } from './cpu/device-options.ts'
import type { Device, DeviceKind } from './device.ts'
import { ArgumentError, DeviceError } from './errors.ts'
import { type WebGPUOptions, webgpuOptions } from './webgpu/device-options.ts'

/** What people may ask for: a device by name, or the best there is. */
export const deviceNames = ['auto', 'webgpu', 'cpu', 'reference'] as const
export type DeviceName = (typeof deviceNames)[number]

/** Each device heeds those of its own. */
export type OpenDeviceOptions = CpuDeviceOptions & Pick<WebGPUOptions, 'halfPrecision'>

const openOptions = optionsOf<OpenDeviceOptions>({ ...cpuOptions, halfPrecision: webgpuOptions.halfPrecision })

/**
 * Opens a device. 'auto' takes a real GPU if there is one, else the processor: a software WebGPU adapter is slower than
 * `cpu` and is taken only by name.
 * @throws DeviceError when the device asked for can't be had; ArgumentError for a name or an option that does not exist, or
 * an option that is not of its kind, whichever device it is for
 */
export async function openDevice(name: DeviceName = 'auto', options: OpenDeviceOptions = {}): Promise<Device> {
  if (!deviceNames.includes(name))
    throw new ArgumentError(`no device ${shown(name)}; there are ${deviceNames.join(', ')}`)
  check('openDevice', openOptions, options)
  return name === 'auto' ? ((await openRealGpu(options)) ?? open('cpu', options)) : open(name, options)
}

/** Implementations are loaded when they are asked for: a page that never trains in float64 never fetches the loops. */
async function open(kind: DeviceKind, { halfPrecision, ...ofProcessor }: OpenDeviceOptions): Promise<Device> {
  switch (kind) {
    case 'webgpu':
      return (await import('./webgpu/device.ts')).openWebGPUDevice({ halfPrecision })
    case 'cpu':
      return new (await import('./cpu/device.ts')).CpuDevice(ofProcessor)
    case 'reference':
      return new (await import('./reference/device.ts')).ReferenceDevice()
  }
}

async function openRealGpu({ halfPrecision }: OpenDeviceOptions): Promise<Device | null> {
  try {
    return await (await import('./webgpu/device.ts')).openWebGPUDevice({ allowFallbackAdapter: false, halfPrecision })
  } catch (error) {
    if (error instanceof DeviceError) return null
    throw error
  }
}
