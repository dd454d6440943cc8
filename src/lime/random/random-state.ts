import { either, shown, thatIs, wholeNumber } from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'

const stateWords = 624
const middleWord = 397

/** What a RandomState needs to go on exactly where it stood: RandomState.snapshot(). */
export interface RandomStateSnapshot {
  readonly words: Uint32Array
  readonly position: number
  readonly savedNormal: number | undefined
}

/** Numbers drawn at once: 4 GB of them are more than anybody wants. */
const mostAtOnce = 2 ** 30

function checkSize(name: string, size: number): void {
  if (!Number.isInteger(size) || size < 0 || size > mostAtOnce)
    throw new ArgumentError(`${name}: expected a size from 0 to ${mostAtOnce}, not ${shown(size)}`)
}

/** A word of the state as it is given out, signed. */
function tempered(word: number): number {
  let mixed = word ^ (word >>> 11)
  mixed ^= (mixed << 7) & 0x9d2c5680
  mixed ^= (mixed << 15) & 0xefc60000
  return mixed ^ (mixed >>> 18)
}

/** The smallest 2^k - 1 that is >= max. */
function maskCovering(max: number): number {
  let mask = max
  mask |= mask >>> 1
  mask |= mask >>> 2
  mask |= mask >>> 4
  mask |= mask >>> 8
  mask |= mask >>> 16
  return mask >>> 0
}

/**
 * NumPy's legacy generator, `numpy.random.RandomState(seed)`: the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998)
 * seeded by init_genrand, with NumPy's ways of making integers, floats and normals of its 32-bit words. The same seed
 * and the same calls give the same numbers as in Python.
 */
export class RandomState {
  private readonly words = new Uint32Array(stateWords)
  private position = stateWords
  /** The polar method makes normals in pairs: the second one waits here. */
  private savedNormal: number | undefined

  /**
   * @param seed an integer in [0, 2^32)
   * @throws ArgumentError for any other seed
   */
  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
      throw new ArgumentError(`RandomState: the seed must be an integer from 0 to 4294967295, not ${shown(seed)}`)
    const words = this.words
    words[0] = seed
    for (let i = 1; i < stateWords; i++) {
      const previous = words[i - 1] ^ (words[i - 1] >>> 30)
      words[i] = Math.imul(1812433253, previous) + i
    }
  }

  /** A copy of the state, for restore(). */
  snapshot(): RandomStateSnapshot {
    return { words: this.words.slice(), position: this.position, savedNormal: this.savedNormal }
  }

  /** Goes back (or forward) to a state that snapshot() gave. */
  restore(snapshot: RandomStateSnapshot): void {
    this.words.set(snapshot.words)
    this.position = snapshot.position
    this.savedNormal = snapshot.savedNormal
  }

  /** Whether the generator stands exactly where `snapshot` was taken. */
  standsAt(snapshot: RandomStateSnapshot): boolean {
    return (
      this.position === snapshot.position &&
      this.savedNormal === snapshot.savedNormal &&
      this.words.every((word, i) => word === snapshot.words[i])
    )
  }

  private regenerate(): void {
    // Signed, as JavaScript's bits are: what is stored is the same.
    const words = new Int32Array(this.words.buffer)
    const twist = (i: number, next: number, middle: number) => {
      const bits = (words[i] & 0x80000000) | (words[next] & 0x7fffffff)
      // A branch on a random bit costs more than all the rest.
      words[i] = words[middle] ^ (bits >>> 1) ^ (-(bits & 1) & 0x9908b0df)
    }
    const split = stateWords - middleWord
    for (let i = 0; i < split; i++) twist(i, i + 1, i + middleWord)
    for (let i = split; i < stateWords - 1; i++) twist(i, i + 1, i - split)
    twist(stateWords - 1, 0, middleWord - 1)
    this.position = 0
  }

  /** The next 32-bit word of the stream, 0 to 2^32 - 1. */
  nextUint32(): number {
    if (this.position === stateWords) this.regenerate()
    return tempered(this.words[this.position++]) >>> 0
  }

  /** A uniform integer in [0, max]: words under the mask, redrawn while they exceed max. */
  private upTo(max: number): number {
    if (max === 0) return 0
    const mask = maskCovering(max)
    for (;;) {
      const value = (this.nextUint32() & mask) >>> 0
      if (value <= max) return value
    }
  }

  /**
   * `randint(low, high)`: a uniform integer in [low, high).
   * @throws ArgumentError unless low and high are integers with 0 < high - low <= 2^32
   */
  randint(low: number, high: number): number
  /** `randint(low, high, size)`: that many of them, in an Int32Array (so the bounds must fit into 32 bits). */
  randint(low: number, high: number, size: number): Int32Array
  randint(low: number, high: number, size?: number): number | Int32Array {
    const span = Number(high) - Number(low)
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || span <= 0 || span > 2 ** 32)
      throw new ArgumentError(
        `randint: expected integers low < high at most 2^32 apart, not ${shown(low)} and ${shown(high)}`,
      )
    if (size === undefined) return low + this.upTo(span - 1)
    if (low < -(2 ** 31) || high > 2 ** 31)
      throw new ArgumentError(`randint: with a size the bounds must fit into 32 bits, not ${low} and ${high}`)
    checkSize('randint', size)
    const values = new Int32Array(size)
    for (let i = 0; i < size; i++) values[i] = low + this.upTo(span - 1)
    return values
  }

  /** `randint(0, 2, size)` as bytes: the lowest bit of each word. */
  bits(size: number): Uint8Array {
    checkSize('bits', size)
    const values = new Uint8Array(size)
    this.fillWithBits(values)
    return values
  }

  /** Fills `values` with what bits(values.length) would return: a state's words at a time. @internal */
  fillWithBits(values: Uint8Array): void {
    const { words } = this
    for (let filled = 0; filled < values.length; ) {
      if (this.position === stateWords) this.regenerate()
      const first = this.position
      const count = Math.min(stateWords - first, values.length - filled)
      for (let i = 0; i < count; i++) values[filled + i] = tempered(words[first + i]) & 1
      this.position += count
      filled += count
    }
  }

  /** `random_sample()`: uniform in [0, 1) with 53 bits. */
  randomSample(): number {
    const high = this.nextUint32() >>> 5
    const low = this.nextUint32() >>> 6
    return (high * 67108864 + low) / 9007199254740992
  }

  /** `uniform(low, high)`: uniform in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * this.randomSample()
  }

  /** `normal(loc, scale)`: Marsaglia's polar method; every second call takes the value the one before it kept. */
  normal(mean = 0, scale = 1): number {
    if (this.savedNormal !== undefined) {
      const saved = this.savedNormal
      this.savedNormal = undefined
      return mean + scale * saved
    }
    for (;;) {
      const x = 2 * this.randomSample() - 1
      const y = 2 * this.randomSample() - 1
      const squared = x * x + y * y
      if (squared >= 1 || squared === 0) continue
      const factor = Math.sqrt((-2 * Math.log(squared)) / squared)
      this.savedNormal = factor * x
      return mean + scale * (factor * y)
    }
  }

  /** `choice(n)` of the integers 0..n-1, or of a list's items; with replacement, as NumPy's default. */
  choice(from: number): number
  choice<T>(from: readonly T[]): T
  choice<T>(from: number | readonly T[]): number | T {
    const count = typeof from === 'number' ? from : (from?.length ?? Number.NaN)
    if (!Number.isInteger(count) || count < 1)
      throw new ArgumentError(`choice: expected a positive integer or a list that is not empty, not ${shown(from)}`)
    const index = this.randint(0, count)
    return typeof from === 'number' ? index : from[index]
  }

  /** `shuffle(items)`: in place, from the last item down (Fisher and Yates). */
  shuffle(items: { [index: number]: unknown; readonly length: number }): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.upTo(i)
      const moved = items[i]
      items[i] = items[j]
      items[j] = moved
    }
  }

  /** `permutation(n)`: the integers 0..n-1 in random order. */
  permutation(count: number): Int32Array {
    checkSize('permutation', count)
    const items = Int32Array.from({ length: count }, (_, i) => i)
    this.shuffle(items)
    return items
  }
}

/** What may be given as a stream. @internal */
export const randomSource = either(
  'a seed from 0 to 4,294,967,295, or a RandomState',
  wholeNumber(0, 2 ** 32 - 1),
  thatIs<RandomState>('a RandomState', (value) => value instanceof RandomState),
)

/** A stream to draw from, given as such or as a seed; with neither its seed is random. */
export function randomStateOf(given: number | RandomState = Math.floor(Math.random() * 2 ** 32)): RandomState {
  return typeof given === 'number' ? new RandomState(given) : given
}
