import { type Steps, stepSize } from '../steps.ts'

const digitBits = 11
const digits = 2 ** digitBits
const passes = 6
/** Keys between two pauses: to move one takes as long as some sixteen additions. */
const keyStep = stepSize / 16

/**
 * Sorts keys >= 0 in ascending order, in place, and their values with them; equal keys stay in their order. By the keys' bits,
 * which order such numbers as integers, eleven at a time (radix sort): comparing a million of them takes ten times as long.
 * Keys and values move together, so that each pass reads them in a row.
 */
export function* sortByKey(keys: Float64Array<ArrayBuffer>, values: Uint32Array<ArrayBuffer>): Steps<void> {
  const count = keys.length
  // A negative zero's bits would come last.
  for (let i = 0; i < count; i++) keys[i] += 0
  const words = new Uint32Array(keys.buffer, keys.byteOffset, 2 * count)
  let from = { words, values }
  let to = { words: new Uint32Array(2 * count), values: new Uint32Array(count) }
  const starts = new Uint32Array(digits + 1)
  for (let pass = 0; pass < passes; pass++) {
    // The low word's digits first, then the high word's. An even number of passes ends where it began.
    const half = pass < passes / 2 ? 0 : 1
    yield* moveByDigit(from, to, half, (pass % (passes / 2)) * digitBits, starts)
    const next = from
    from = to
    to = next
  }
}

interface Records {
  /** [count * 2]: each key's low word and high word. */
  readonly words: Uint32Array
  readonly values: Uint32Array
}

function* moveByDigit(from: Records, to: Records, half: number, shift: number, starts: Uint32Array): Steps<void> {
  countDigits(from, half, shift, starts)
  for (let first = 0; first < from.values.length; first += keyStep) {
    moveSome(from, to, half, shift, starts, first)
    yield
  }
}

/** Where the first record of each digit goes. */
function countDigits({ words }: Records, half: number, shift: number, starts: Uint32Array): void {
  starts.fill(0)
  for (let i = half; i < words.length; i += 2) starts[((words[i] >>> shift) & (digits - 1)) + 1]++
  for (let digit = 0; digit < digits; digit++) starts[digit + 1] += starts[digit]
}

/** A step's records, from `first` on. */
function moveSome(from: Records, to: Records, half: number, shift: number, starts: Uint32Array, first: number): void {
  const { words, values } = from
  const { words: sortedWords, values: sortedValues } = to
  const end = Math.min(first + keyStep, values.length)
  for (let i = first; i < end; i++) {
    const place = starts[(words[2 * i + half] >>> shift) & (digits - 1)]++
    sortedWords[2 * place] = words[2 * i]
    sortedWords[2 * place + 1] = words[2 * i + 1]
    sortedValues[place] = values[i]
  }
}
