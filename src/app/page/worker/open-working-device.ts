import { type Device, type DeviceKind, LimelightError, openDevice } from '../../../engine/index.ts'
import type { DeviceChoice, DeviceStatus } from './engine-api.ts'

/** A device that is known to work, and what to tell people about it. */
export interface WorkingDevice {
  readonly device: Device
  readonly status: DeviceStatus
}

/**
 * What is tried for each choice, best first. The processor follows everything, and the float64 loops, slow as they are,
 * run even where WebAssembly is switched off.
 */
const attempts: Readonly<Record<DeviceChoice, readonly (DeviceKind | 'auto')[]>> = {
  auto: ['auto', 'cpu', 'reference'],
  webgpu: ['webgpu', 'cpu', 'reference'],
  cpu: ['cpu', 'reference'],
}

/**
 * Opens the device asked for, or the next best that works. `tryOut` puts it to use: a device that opens and then refuses
 * the network's kernels does not count.
 * @throws LimelightError when nothing works
 */
export async function openWorkingDevice(
  choice: DeviceChoice,
  tryOut: (device: Device) => Promise<void>,
): Promise<WorkingDevice> {
  const failures: string[] = []
  for (const name of attempts[choice]) {
    try {
      const device = await openDevice(name)
      try {
        await tryOut(device)
      } catch (error) {
        device.dispose()
        throw error
      }
      const { kind, adapter, isFallbackAdapter } = device.info
      const problem = failures.length > 0 ? `${failures.join(' ')} ${nameOf(kind)} computes instead.` : null
      const isSecondChoice = choice === 'auto' && kind !== 'webgpu'
      const reason = isFallbackAdapter
        ? 'a software adapter, slower than the processor'
        : isSecondChoice
          ? await whyNotWebGPU()
          : null
      return {
        device,
        status: {
          kind,
          adapter,
          reason,
          problem,
          choice: problem && choice !== 'auto' ? fallbackChoice(kind) : choice,
        },
      }
    } catch (error) {
      failures.push(`${nameOf(name)} can't be used: ${sentence(error)}`)
    }
  }
  throw new LimelightError(`Nothing here can compute. ${failures.join(' ')}`)
}

const fallbackChoice = (kind: DeviceKind): DeviceChoice => (kind === 'webgpu' ? 'webgpu' : 'cpu')

function nameOf(name: DeviceKind | 'auto'): string {
  return { auto: 'The best device', webgpu: 'WebGPU', cpu: 'The processor', reference: 'Plain JavaScript' }[name]
}

function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** Why 'auto' did not take a GPU, for people. */
async function whyNotWebGPU(): Promise<string> {
  if (!navigator.gpu) return 'this browser has no WebGPU'
  const adapter = await navigator.gpu.requestAdapter().catch(() => null)
  return adapter ? 'only a software WebGPU adapter, which is slower' : 'WebGPU finds no graphics adapter here'
}
