import { type Device, type DeviceKind, LimelightError, openDevice } from '../../../engine/index.ts'
import type { DeviceChoice, DeviceStatus } from '../contract/engine-api.ts'

/** A device that is known to work, and what to tell people about it. */
export interface WorkingDevice {
  readonly device: Device
  readonly status: DeviceStatus
}

/** A way to compute; `name` is for people, as the subject of a sentence. */
interface Attempt {
  readonly device: DeviceKind | 'auto'
  readonly threads?: number
  readonly name: string
}

const webgpu: Attempt = { device: 'webgpu', name: 'WebGPU' }
const processor: Attempt = { device: 'cpu', name: 'The processor' }
const oneThread: Attempt = { device: 'cpu', threads: 1, name: 'One thread of the processor' }
const loops: Attempt = { device: 'reference', name: 'Plain JavaScript, which is some hundred times slower,' }

/**
 * What is tried for each choice, best first. The processor follows everything, with threads and without. The float64 loops
 * come last: they run even where WebAssembly is switched off, but an explanation takes half a minute then.
 */
const attempts: Readonly<Record<DeviceChoice, readonly Attempt[]>> = {
  auto: [{ device: 'auto', name: 'The best device' }, processor, oneThread, loops],
  webgpu: [webgpu, processor, oneThread, loops],
  cpu: [processor, oneThread, loops],
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
  // What computes on a GPU is a fifth of all scripts: where there is none it is not fetched to find that out.
  const isWithoutGpu = choice === 'auto' && !(await findsAdapter())
  for (const attempt of attempts[isWithoutGpu ? 'cpu' : choice]) {
    try {
      const device = await openDevice(attempt.device, { threads: attempt.threads })
      try {
        await tryOut(device)
      } catch (error) {
        device.dispose()
        throw error
      }
      const { kind, adapter, isFallbackAdapter } = device.info
      const problem = failures.length > 0 ? `${failures.join(' ')} ${attempt.name} computes instead.` : null
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
      const why = sentence(error)
      // Said once of what is tried in several ways.
      if (!failures.some((failure) => failure.endsWith(why))) failures.push(`${attempt.name} can't be used: ${why}`)
    }
  }
  throw new LimelightError(`Nothing here can compute. ${failures.join(' ')}`)
}

const fallbackChoice = (kind: DeviceKind): DeviceChoice => (kind === 'webgpu' ? 'webgpu' : 'cpu')

function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** Why 'auto' did not take a GPU, for people. */
async function whyNotWebGPU(): Promise<string> {
  if (!navigator.gpu) return 'this browser has no WebGPU'
  return (await findsAdapter())
    ? 'only a software WebGPU adapter, which is slower'
    : 'WebGPU finds no graphics adapter here'
}

async function findsAdapter(): Promise<boolean> {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null)
  return Boolean(adapter)
}
