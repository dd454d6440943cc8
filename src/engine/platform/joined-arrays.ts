type Numbers = Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>

/** Parts put one behind the other, in an array of their own. */
export function joinedArrays<Joined extends Numbers>(
  parts: readonly ArrayLike<number>[],
  arrays: new (length: number) => Joined,
): Joined {
  const whole = new arrays(parts.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
