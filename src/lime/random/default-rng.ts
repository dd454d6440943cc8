import { generateState } from './seed-sequence.ts'
import { heights, inside, tailStart, widths } from './ziggurat.ts'

/** PCG64's multiplier 0x2360ed051fc65da44385df649fccf645, as four 32-bit limbs, lowest first. */
const multiplier = Uint32Array.of(0x9fccf645, 0x4385df64, 0x1fc65da4, 0x2360ed05)

/** The high 32 bits of the 64-bit product of two 32-bit words. */
function highProduct(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const rest = aLow * bHigh + (middle & 0xffff)
  return aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(rest / 65536)
}

/**
 * NumPy's `numpy.random.default_rng(seed)`: SeedSequence, PCG64 XSL-RR (O'Neill, "PCG: A Family of Simple Fast
 * Space-Efficient Statistically Good Algorithms for Random Number Generation", 2014) and ziggurat normals. The same seed
 * gives the same numbers as in Python. 128-bit numbers are four 32-bit limbs, lowest first: BigInt would allocate.
 */
export class DefaultRng {
  private readonly state = new Uint32Array(4)
  private readonly increment = new Uint32Array(4)
  private readonly product = new Uint32Array(4)
  /** The two halves of the last 64-bit output. */
  private high = 0
  private low = 0

  /**
   * @param seed an integer in [0, 2^53)
   * @throws ArgumentError for any other seed
   */
  constructor(seed: number) {
    // Four 64-bit words: the state's high and low half, the stream's high and low half.
    const words = generateState(seed, 8)
    const start = [words[2], words[3], words[0], words[1]]
    const stream = [words[6], words[7], words[4], words[5]]
    for (let i = 0; i < 4; i++) this.increment[i] = (stream[i] << 1) | (i === 0 ? 1 : stream[i - 1] >>> 31)
    this.step()
    this.addToState(start)
    this.step()
  }

  private addToState(addend: ArrayLike<number>): void {
    let carry = 0
    for (let i = 0; i < 4; i++) {
      const sum = this.state[i] + addend[i] + carry
      this.state[i] = sum
      carry = sum > 0xffffffff ? 1 : 0
    }
  }

  /** state = state * multiplier + increment, modulo 2^128. */
  private step(): void {
    const { state, product } = this
    product.fill(0)
    for (let i = 0; i < 4; i++) {
      let carry = 0
      for (let j = 0; i + j < 4; j++) {
        const sum = product[i + j] + (Math.imul(state[i], multiplier[j]) >>> 0) + carry
        product[i + j] = sum
        carry = highProduct(state[i], multiplier[j]) + Math.floor(sum / 2 ** 32)
      }
    }
    state.set(product)
    this.addToState(this.increment)
  }

  /** XSL-RR: the halves of the state xored, rotated right by its top six bits. */
  private advance(): void {
    this.step()
    const [s0, s1, s2, s3] = this.state
    const rotation = s3 >>> 26
    let low = s0 ^ s2
    let high = s1 ^ s3
    if (rotation & 32) [low, high] = [high, low]
    const shift = rotation & 31
    if (shift > 0) {
      const kept = low
      low = (low >>> shift) | (high << (32 - shift))
      high = (high >>> shift) | (kept << (32 - shift))
    }
    this.low = low >>> 0
    this.high = high >>> 0
  }

  /** The next 64-bit word of the stream. */
  nextUint64(): bigint {
    this.advance()
    return (BigInt(this.high) << 32n) | BigInt(this.low)
  }

  /** `random()`: uniform in [0, 1) with 53 bits. */
  random(): number {
    this.advance()
    return (this.high * 2 ** 21 + (this.low >>> 11)) / 2 ** 53
  }

  /** `standard_normal()`: the ziggurat; about one draw in a hundred needs more than one word. */
  standardNormal(): number {
    for (;;) {
      this.advance()
      // The word's bits, lowest first: 8 choose the layer, 1 the sign, 52 the place in the layer.
      const layer = this.low & 0xff
      const negative = (this.low & 0x100) !== 0
      const place = (this.high & 0x1fffffff) * 2 ** 23 + (this.low >>> 9)
      const x = place * widths[layer]
      const signed = negative ? -x : x
      if (place < inside[layer]) return signed
      if (layer === 0) return this.tail(((place / 256) & 1) === 1)
      const height = (heights[layer - 1] - heights[layer]) * this.random() + heights[layer]
      if (height < Math.exp(-0.5 * x * x)) return signed
    }
  }

  /** A normal beyond tailStart (Marsaglia, 1964). */
  private tail(negative: boolean): number {
    for (;;) {
      const beyond = -0.27366123732975828 * Math.log1p(-this.random())
      const y = -Math.log1p(-this.random())
      if (y + y > beyond * beyond) return negative ? -(tailStart + beyond) : tailStart + beyond
    }
  }

  /** `normal(loc, scale)`. */
  normal(mean = 0, scale = 1): number {
    return mean + scale * this.standardNormal()
  }
}
