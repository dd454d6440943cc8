import { existsSync } from 'node:fs'

/** What the tests need of a browser. Elements are named by XPath; they are waited for. */
export interface Browser {
  goto(address: string): Promise<void>
  reload(): Promise<void>
  /** Calls a function in the page, which may be asynchronous; what it takes and gives is JSON. */
  evaluate<Given extends readonly unknown[], T>(work: (...given: Given) => T | Promise<T>, ...given: Given): Promise<T>
  press(element: string): Promise<void>
  /** Types into a field, in place of what is in it. */
  fill(element: string, text: string): Promise<void>
  /** PNG. */
  screenshot(): Promise<Uint8Array>
  /** Errors that the page had, as far as the browser tells of them. */
  readonly complaints: readonly string[]
  close(): Promise<void>
}

/** A function as source text that calls it with the arguments, and always gives a promise. */
export const asynchronous = (work: (...given: never[]) => unknown) => `async (...given) => (${work})(...given)`

/**
 * The first of these programs that there is; the variable names another one.
 * @throws Error that says how to install it
 */
export function findProgram(variable: string, paths: readonly string[], howToInstall: string): string {
  const named = process.env[variable]
  if (named && !existsSync(named)) throw new Error(`${variable} is ${named}, but there is no such file`)
  const found = named || paths.find((path) => existsSync(path))
  if (found) return found
  throw new Error(`There is none of ${paths.join(', ')}. ${howToInstall}, or set ${variable} to the program`)
}

/** Asks until the answer is not null, for three minutes: other work may go on beside. */
export async function until<T>(ask: () => Promise<T | null>, what: string): Promise<T> {
  const deadline = performance.now() + 180_000
  for (;;) {
    const answer = await ask()
    if (answer !== null) return answer
    if (performance.now() > deadline) throw new Error(`waited three minutes in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
