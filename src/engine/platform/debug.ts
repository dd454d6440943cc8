import { isNode } from './node-module.ts'

/**
 * What the engine decided, for those who ask: LIMELIGHT_DEBUG=plan,fuse,tune prints it to stderr, in browsers a global of this name
 * that is set before the engine is loaded, to the console. Who does not ask pays for a look into an empty set: texts are made
 * only when they are printed.
 */

/** `plan`: every plan that is made; `fuse`: what was fused in it, and what was not, and why; `tune`: what was chosen by the clock. */
type Topic = 'plan' | 'fuse' | 'tune'

const asked: ReadonlySet<string> = new Set(wish().split(/[\s,]+/))

function wish(): string {
  if (isNode) return process.env.LIMELIGHT_DEBUG ?? ''
  const given: unknown = Reflect.get(globalThis, 'LIMELIGHT_DEBUG')
  return typeof given === 'string' ? given : ''
}

export function isAsked(topic: Topic): boolean {
  return asked.has(topic)
}

/** Prints a text, each of its lines with the topic before it. */
export function debug(topic: Topic, text: () => string): void {
  if (!isAsked(topic)) return
  const lines = text()
    .split('\n')
    .map((line) => `${topic}: ${line}`)
    .join('\n')
  if (isNode) process.stderr.write(`${lines}\n`)
  else console.debug(lines)
}
