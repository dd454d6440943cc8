export const pngSignature = '\x89PNG\r\n\x1a\n'

/** Whether these letters stand there, a byte each. */
export function isAt(bytes: Uint8Array, at: number, letters: string): boolean {
  return Array.from(letters).every((letter, i) => bytes[at + i] === letter.charCodeAt(0))
}

/** As people see them: names of chunks. */
export function lettersAt(bytes: Uint8Array, at: number, count: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + count))
}
