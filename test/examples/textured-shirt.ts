/**
 * Sleeves over a body, 28 x 28 grey pixels. It has a texture: a hidden segment is shown in its mean colour, which would change nothing
 * of a plain one.
 */
export function texturedShirt(): Uint8Array {
  return Uint8Array.from({ length: 28 * 28 }, (_, at) => {
    const [x, y] = [at % 28, Math.floor(at / 28)]
    const isCloth = y < 9 ? x > 2 && x < 26 : x > 7 && x < 21
    return isCloth ? 120 + ((x * x * 3 + y * y * 5) % 120) : 0
  })
}
