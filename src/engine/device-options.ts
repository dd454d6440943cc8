import { ArgumentError } from './errors.ts'

/** What a device is opened with, checked: an option that is misspelt or of the wrong type must not be passed over in silence. */

export interface OptionRule {
  readonly expected: string
  accepts(value: unknown): boolean
}

/** One rule for each option that there is. */
export type OptionRules<Options> = { readonly [Name in keyof Required<Options>]: OptionRule }

/**
 * @param opener what was called, for messages
 * @throws ArgumentError for an option that does not exist, or a value that its rule does not accept; undefined is "not given"
 */
export function checkOptions<Options>(opener: string, options: unknown, rules: OptionRules<Options>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new ArgumentError(`${opener}: the options are ${shown(options)}; expected an object`)
  const known = new Map<string, OptionRule>(Object.entries(rules))
  for (const [name, value] of Object.entries(options)) {
    const rule = known.get(name)
    if (!rule)
      throw new ArgumentError(`${opener}: there is no option ${shown(name)}; there are ${[...known.keys()].join(', ')}`)
    if (value !== undefined && !rule.accepts(value))
      throw new ArgumentError(`${opener}: ${name} is ${shown(value)}; expected ${rule.expected}`)
  }
}

export const trueOrFalse: OptionRule = {
  expected: 'true or false',
  accepts: (value) => typeof value === 'boolean',
}

export function wholeNumber(least: number, most: number): OptionRule {
  return {
    expected: `a whole number from ${least} to ${most}`,
    accepts: (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
  }
}

export function oneOf(names: readonly string[]): OptionRule {
  return {
    expected: names.map((name) => `"${name}"`).join(', '),
    accepts: (value) => typeof value === 'string' && names.includes(value),
  }
}

/** An object that has these methods. */
export function objectWith(...methods: readonly string[]): OptionRule {
  return {
    expected: `an object with the methods ${methods.join(' and ')}`,
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((method) => typeof Reflect.get(value, method) === 'function'),
  }
}

/** A value of any type as an error tells it. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}
