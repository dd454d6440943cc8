/** Numbers of no meaning, evenly from `least` to `most` and always the same: a linear congruential generator's. */
export function noise(length, [least, most], seed = 1) {
  const numbers = new Float32Array(length)
  let state = seed
  for (let i = 0; i < numbers.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    numbers[i] = least + (most - least) * (state / 2 ** 32)
  }
  return numbers
}
