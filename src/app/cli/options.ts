import { constants, setPriority } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Device } from '../../engine/device.ts'
import { type DeviceName, deviceNames, openDevice } from '../../engine/open-device.ts'
import { note } from './terminal.ts'

/** Options that several commands share, and parsers that name what they expect. */

export interface DeviceOptions {
  readonly device: DeviceName
  readonly threads?: number
  readonly arithmetic: 'strict' | 'relaxed'
  readonly convolution: 'auto' | 'direct' | 'winograd'
  readonly halfPrecision?: boolean
}

/** What computes, and how the processor does if it is the one. */
export function addDeviceOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--device <name>', 'what computes; auto takes a real GPU if there is one, else cpu')
        .choices([...deviceNames])
        .default('auto'),
    )
    .option('--threads <n>', 'threads of the cpu device; all the processor has unless given', integer(1))
    .addOption(
      new Option(
        '--arithmetic <name>',
        'of the cpu device: strict gives the same bits everywhere, relaxed may be faster',
      )
        .choices(['strict', 'relaxed'])
        .default('strict'),
    )
    .addOption(
      new Option('--convolution <name>', 'of the cpu device; auto is winograd where it pays')
        .choices(['auto', 'direct', 'winograd'])
        .default('auto'),
    )
    .option('--half-precision', 'of the webgpu device: predict with 16-bit products, where the adapter can')
}

export async function openDeviceFor({
  device: name,
  threads,
  arithmetic,
  convolution,
  halfPrecision,
}: Pick<DeviceOptions, 'device'> & Partial<DeviceOptions>): Promise<Device> {
  const device = await openDevice(name, { threads, relaxed: arithmetic === 'relaxed', convolution, halfPrecision })
  if (halfPrecision && !device.info.halfPrecision)
    note(`--half-precision: ${device.info.adapter} can't; predictions are computed in 32 bits`)
  if (device.info.isFallbackAdapter) waitPolitely()
  return device
}

/**
 * In Node, Dawn's main thread spins while it waits. A software adapter needs that core: the main thread (the adapter has
 * its own by now) takes what is left over.
 */
function waitPolitely(): void {
  if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_LOW)
}

/** A parser of whole numbers of at least `least`, at most `most`. */
export function integer(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  return (text) => {
    const value = Number(text)
    if (!Number.isSafeInteger(value) || value < least || value > most || text.trim() === '')
      throw new InvalidArgumentError(`expected a whole number ${range}`)
    return value
  }
}

export function number(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || text.trim() === '') throw new InvalidArgumentError('expected a number')
  return value
}

/** A number that a picture can hold: tensors have 32 bits. */
export function pixelValue(text: string): number {
  const value = number(text)
  if (!Number.isFinite(Math.fround(value))) throw new InvalidArgumentError('expected a number that 32 bits can hold')
  return value
}

/** A parser of paths and names: an empty one is a mistake (an unset variable, mostly), never "not given". */
export function text(what: string): (given: string) => string {
  return (given) => {
    if (given.trim() === '') throw new InvalidArgumentError(`expected ${what}`)
    return given
  }
}

export const path = text('a path')

/** A parser of an option that takes several paths. */
export function paths(given: string, before: readonly string[] = []): string[] {
  return [...before, path(given)]
}

/** Whole numbers with commas between them. */
export function integerList(text: string): number[] {
  return text.split(',').map(integer(0))
}
