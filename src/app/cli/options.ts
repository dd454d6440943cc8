import { InvalidArgumentError, Option } from 'commander'
import { deviceNames } from '../../engine/open-device.ts'

/** Options that several commands share, and parsers that name what they expect. */

export function deviceOption(): Option {
  return new Option('--device <name>', 'what computes; auto takes a real GPU if there is one, else cpu')
    .choices([...deviceNames])
    .default('auto')
}

/** A parser of whole numbers of at least `least`. */
export function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isSafeInteger(value) || value < least || text.trim() === '')
      throw new InvalidArgumentError(`expected a whole number of at least ${least}`)
    return value
  }
}

export function number(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || text.trim() === '') throw new InvalidArgumentError('expected a number')
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

/** Whole numbers with commas between them. */
export function integerList(text: string): number[] {
  return text.split(',').map(integer(0))
}
