import * as v from 'valibot'
import { ArgumentError, FormatError } from './errors.ts'
import type { AbortSignal } from './platform/types.ts'

/**
 * What callers may give, as schemas: a leaf's message says what is expected, and check() turns the first thing that is not so
 * into an ArgumentError with its name and value.
 */

export type Expected = v.GenericSchema

/** A value in few words, whatever it is: for messages. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
    case 'bigint':
      return `${value}n`
    case 'function':
      return 'a function'
    case 'object':
      return shownObject(value)
    default:
      return String(value)
  }
}

function shownObject(value: object | null): string {
  if (value === null) return 'null'
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`
  if (!Array.isArray(value)) return 'an object'
  return value.length <= 4 ? `[${value.map(shown).join(', ')}]` : `a list of ${value.length}`
}

/** A leaf: whatever passes `test`, in words. */
export function thatIs<T>(what: string, test: (value: unknown) => boolean) {
  return v.custom<T>(test, what)
}

// toLocaleString() takes 15 ms the first time, whatever is loaded then.
const grouped = (value: number) => String(value).replace(/\B(?=(...)+$)/g, ',')

export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER) {
  const range =
    most !== Number.MAX_SAFE_INTEGER
      ? `a whole number from ${grouped(least)} to ${grouped(most)}`
      : least === 1
        ? 'a positive integer'
        : `a whole number of at least ${grouped(least)}`
  return thatIs<number>(
    range,
    (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
  )
}

/** A finite number in a range, its ends included. */
export function numberFrom(least: number, most = Number.MAX_VALUE) {
  const range = most === Number.MAX_VALUE ? `a number >= ${least}` : `a number from ${least} to ${grouped(most)}`
  return thatIs<number>(range, (value) => typeof value === 'number' && value >= least && value <= most)
}

/** A finite number > 0, at most `most`. */
export function positiveNumber(most = Number.MAX_VALUE) {
  const range = most === Number.MAX_VALUE ? 'a number > 0' : `a number > 0, at most ${grouped(most)}`
  return thatIs<number>(range, (value) => typeof value === 'number' && value > 0 && value <= most)
}

export const flag = thatIs<boolean>('true or false', (value) => typeof value === 'boolean')

export const callback = thatIs<(...values: never[]) => unknown>('a function', (value) => typeof value === 'function')

export const text = thatIs<string>('a text', (value) => typeof value === 'string')

export const finiteNumber = thatIs<number>('a finite number', Number.isFinite)

/** An AbortSignal, of this realm or another. */
export const abortSignal = thatIs<AbortSignal>(
  'an AbortSignal',
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    'throwIfAborted' in value &&
    typeof value.throwIfAborted === 'function',
)

export function oneOf<T extends string | number | boolean>(...names: readonly T[]) {
  const quoted = names.map((name) => (typeof name === 'string' ? `'${name}'` : String(name)))
  const last = quoted.pop()
  const what = quoted.length === 0 ? String(last) : `${quoted.join(', ')} or ${last}`
  return thatIs<T>(what, (value) => names.some((name) => name === value))
}

/** Any of these, with the words for all of them. */
export function either(what: string, ...choices: readonly Expected[]) {
  return thatIs<unknown>(what, (value) => choices.some((choice) => v.is(choice, value)))
}

/** A list or typed array whose items all pass. */
export function listOf(what: string, item: Expected) {
  return thatIs<readonly unknown[]>(
    what,
    (value) => (Array.isArray(value) || isNumberArray(value)) && Array.from(value).every((one) => v.is(item, one)),
  )
}

/** Whether something is a list whose items all pass: a hole in it, which `every` skips, is an item, too. */
export function isListOf<T>(value: unknown, test: (item: unknown) => boolean): value is readonly T[] {
  if (!Array.isArray(value)) return false
  for (const item of value) if (!test(item)) return false
  return true
}

/** Typed arrays of numbers: no DataView, no 64-bit integers. */
export function isNumberArray(value: unknown): value is ArrayLike<number> & object {
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView || value instanceof BigInt64Array || value instanceof BigUint64Array)
  )
}

/**
 * An object of options; other names are mistakes. All of T's options are named.
 * @param required those that may not be left out
 */
export function optionsOf<T extends object>(
  entries: { readonly [K in keyof Required<T>]: Expected },
  ...required: readonly (keyof T)[]
) {
  const named = Object.entries<Expected>(entries).map(([name, schema]) => {
    return [name, required.some((key) => key === name) ? schema : v.optional(schema)] as const
  })
  return v.strictObject(Object.fromEntries(named))
}

export function orLeftOut<S extends v.GenericSchema>(schema: S) {
  return v.optional(schema)
}

/** An object that has these at least. */
export function withFields<T extends object>(entries: { readonly [K in keyof T]: Expected }) {
  return v.object<Record<string, Expected>>(entries)
}

/**
 * Checks what a caller gave. `caller` begins the message.
 * @param name what the value is called, where it is no object of options
 * @throws ArgumentError that names the first option that is wrong or unknown, what was given and what was expected
 */
export function check(caller: string, schema: Expected, value: unknown, name?: string): void {
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return
  const [issue] = result.issues
  const argument = v.getDotPath(issue) ?? name ?? 'options'
  const why = complaint(issue)
  if (why === undefined)
    throw new ArgumentError(
      `${caller}: there is no option ${shown(argument)}; there are ${Object.keys(entriesOf(schema)).join(', ')}`,
    )
  throw new ArgumentError(`${caller}: ${argument} ${why}`, { caller, argument, why })
}

/**
 * Reads plain data, as JSON.parse gives it, by a schema.
 * @param what begins the message
 * @throws FormatError with the path of the first value that is wrong, what was found and what was expected
 */
export function parsed<S extends v.GenericSchema>(what: string, schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  const path = v.getDotPath(issue)
  if (path !== null && issue.input === undefined) throw new FormatError(`${what} has no "${path}"`)
  const expected = issue.type === 'object' ? 'an object' : issue.message
  throw new FormatError(`${what}: ${path ?? 'the whole of it'} is ${shown(issue.input)}; expected ${expected}`)
}

/** A list, itself not copied, whose items all pass; the first that does not is named by its place. */
export function items<T>(what: string, test: (value: unknown) => boolean) {
  return v.pipe(
    v.custom<readonly T[]>(Array.isArray, `a list, each ${what}`),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return
      const { value: list } = dataset
      const key = list.findIndex((item) => !test(item))
      if (key < 0) return
      const at: v.ArrayPathItem = { type: 'array', origin: 'value', input: [], key, value: list[key] }
      addIssue({ message: what, input: list[key], path: [at] })
    }),
  )
}

/** What is wrong with an argument; undefined where it is one that there is not. */
function complaint(issue: v.BaseIssue<unknown>): string | undefined {
  if (issue.type !== 'strict_object' && issue.type !== 'object')
    return `must be ${issue.message}, not ${shown(issue.input)}`
  if (issue.expected?.startsWith('"')) return 'is missing'
  return issue.expected === 'never' ? undefined : `must be an object, not ${shown(issue.input)}`
}

function entriesOf(schema: Expected): object {
  return 'entries' in schema && typeof schema.entries === 'object' && schema.entries !== null ? schema.entries : {}
}
