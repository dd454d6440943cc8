const digitBits = 11
const digits = 2 ** digitBits

/**
 * The indices of numbers >= 0 in ascending order, equal ones in their own order. By their bits, which order such numbers as
 * integers, eleven at a time (radix sort): a comparison of a million of them takes ten times as long.
 */
export function ascendingOrder(values: Float64Array): Uint32Array {
  const words = new Uint32Array(positive(values).buffer)
  let order = new Uint32Array(values.length)
  for (let i = 0; i < order.length; i++) order[i] = i
  let next = new Uint32Array(values.length)
  const starts = new Uint32Array(digits + 1)
  // The low word's digits first, then the high word's.
  for (let half = 0; half < 2; half++)
    for (let shift = 0; shift < 32; shift += digitBits) {
      starts.fill(0)
      for (let i = half; i < words.length; i += 2) starts[((words[i] >>> shift) & (digits - 1)) + 1]++
      for (let digit = 0; digit < digits; digit++) starts[digit + 1] += starts[digit]
      for (let i = 0; i < order.length; i++) {
        const index = order[i]
        next[starts[(words[2 * index + half] >>> shift) & (digits - 1)]++] = index
      }
      const sorted = next
      next = order
      order = sorted
    }
  return order
}

/** A copy in which no zero is negative: its bits would come last. */
function positive(values: Float64Array): Float64Array<ArrayBuffer> {
  const copy = new Float64Array(values.length)
  for (let i = 0; i < copy.length; i++) copy[i] = values[i] + 0
  return copy
}
