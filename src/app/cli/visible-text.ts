/**
 * Text that may come from files (names of classes and pictures, errors that repeat them), so that a terminal prints it and does nothing
 * else: sequences that clear it, rename it or type into it are as visible as letters. They are written as JSON writes them, and mean the
 * same in JSON, where they are in texts alone.
 */
export function visible(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\u2028-\u202e\u2066-\u2069]/gu, escaped)
}

/** A name that has to stay in its line: nothing after it may look like a line of its own. */
export function inOneLine(text: string): string {
  return visible(text).replace(/[\n\t]/g, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
