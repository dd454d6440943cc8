import { shown } from '../../arguments.ts'
import { FormatError } from '../../errors.ts'
import { isShape, type Shape } from '../../tensor.ts'
import { isJsonObject } from '../strict-json.ts'

/** A layer, or an option of one, that Keras has and Limelight has not. It is told together with all others of its file. */
export class Unsupported extends Error {}

/** A layer's options as its file has them, read by their names in Keras. */
export class LayerOptions {
  /**
   * @param layer how messages name it
   * @param version of Keras: 1, 2 or 3
   */
  constructor(
    readonly layer: string,
    private readonly config: Readonly<Record<string, unknown>>,
    readonly version: number,
  ) {}

  /** Options of something in the layer: an activation's own. */
  within(config: Readonly<Record<string, unknown>>): LayerOptions {
    return new LayerOptions(this.layer, config, this.version)
  }

  /** What is not there is what is null. */
  private read<T>(name: string, fallback: T | undefined, what: string, test: (value: unknown) => value is T): T {
    const value = Object.hasOwn(this.config, name) ? (this.config[name] ?? undefined) : undefined
    if (value === undefined && fallback !== undefined) return fallback
    if (test(value)) return value
    const found = value === undefined ? `has no ${shown(name)}` : `has ${shown(value)} as ${name}`
    throw new FormatError(`its layer ${shown(this.layer)} ${found}; expected ${what}`)
  }

  has(name: string): boolean {
    return Object.hasOwn(this.config, name) && this.config[name] !== null && this.config[name] !== undefined
  }

  raw(name: string): unknown {
    return this.has(name) ? this.config[name] : undefined
  }

  number(name: string, fallback?: number): number {
    // Numbers of NumPy are written as { class_name: '__numpy__', config: { value } }, and arrays too.
    const value = this.numbersOrNull(name)
    if (value?.length === 1) return value[0]
    return this.read(name, fallback, 'a number', isNumber)
  }

  whole(name: string, fallback?: number): number {
    return this.read(name, fallback, 'a whole number', isWhole)
  }

  flag(name: string, fallback?: boolean): boolean {
    return this.read(name, fallback, 'true or false', (value) => typeof value === 'boolean')
  }

  text(name: string, fallback?: string): string {
    return this.read(name, fallback, 'a text', (value) => typeof value === 'string')
  }

  /** One number for both directions, or a list of two. */
  pair(name: string, fallback?: readonly [number, number]): readonly [number, number] {
    if (isWhole(this.raw(name))) return [this.whole(name), this.whole(name)]
    return this.read(name, fallback, 'one whole number or two', isPair)
  }

  wholes(name: string, fallback?: readonly number[]): readonly number[] {
    if (isWhole(this.raw(name))) return [this.whole(name)]
    return this.read(name, fallback, 'a list of whole numbers', isWholes)
  }

  /** Numbers in a list of any depth, or one alone; null where there are none. */
  numbersOrNull(name: string): readonly number[] | null {
    return numbersIn(this.raw(name))
  }

  /** Shapes have null where an extent is open. */
  shape(name: string): readonly (number | null)[] {
    return this.read(
      name,
      undefined,
      'a list of extents',
      (value): value is readonly (number | null)[] =>
        Array.isArray(value) && value.every((extent) => extent === null || (isWhole(extent) && extent >= 0)),
    )
  }

  /** @throws Unsupported for images whose channels come first */
  checkChannelsLast(): void {
    const format = this.raw('data_format') ?? this.raw('dim_ordering')
    if (format === 'channels_first' || format === 'th')
      throw new Unsupported('takes images with their channels first; only channels_last is known')
  }

  /** @throws Unsupported where an option is other than the one that is known */
  expect(name: string, ...known: readonly unknown[]): void {
    const value = this.raw(name)
    if (value !== undefined && !known.includes(value))
      throw new Unsupported(`has ${name} ${shown(value)}; known is ${known.map(shown).join(' or ')}`)
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isWholes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isWhole)
}

function isPair(value: unknown): value is readonly [number, number] {
  return isWholes(value) && value.length === 2
}

/** A list of lists, as deep as images' axes. */
function numbersIn(value: unknown, depth = 0): readonly number[] | null {
  if (typeof value === 'number' && Number.isFinite(value)) return [value]
  if (isJsonObject(value) && isJsonObject(value.config) && depth < 8) return numbersIn(value.config.value, depth + 1)
  if (!Array.isArray(value) || depth >= 8) return null
  const parts = value.map((item) => numbersIn(item, depth + 1))
  return parts.every((part) => part !== null) ? parts.flat() : null
}

/** @throws FormatError where an extent is open, and nothing else says how large it is */
export function closedShape(layer: string, shape: readonly (number | null)[], given: Shape | undefined): Shape {
  const known = shape.map((extent, axis) => extent ?? (given?.length === shape.length ? given[axis] : null))
  if (isShape(known) && known.length > 0 && !known.includes(0)) {
    if (given && (given.length !== known.length || known.some((extent, axis) => extent !== given[axis])))
      throw new FormatError(
        `the input shape [${given.join(', ')}] is given; its input ${shown(layer)} takes [${shape.map((extent) => extent ?? 'any').join(', ')}]`,
      )
    return known
  }
  throw new FormatError(
    `its input ${shown(layer)} takes images of any size, [${shape.map((extent) => extent ?? 'any').join(', ')}]; give an inputShape, [224, 224, 3] say`,
  )
}
