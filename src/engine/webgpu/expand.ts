/**
 * Writes out the loops and conditions of a kernel that a comment `// expand` stands before:
 *   - `for (var i = 0u; i < BOUND; i++) { … }` becomes its body once for each i, with the number in its place;
 *   - `if (CONDITION) { … } else { … }` becomes the branch that is taken.
 * BOUND and CONDITION are constants of the dispatch, or products of some and numbers. WGSL has no such thing, compilers
 * for software adapters unroll nothing, and subgroupBroadcast takes only lanes known in advance. A file stays valid WGSL.
 */

const marker = /^[ \t]*\/\/ expand\n[ \t]*/m
const loop = /^for \(var (\w+) = 0u; \1 < ([\w *]+); \1\+\+\) \{/
const condition = /^if \((\w+)\) \{/

type ConstantValues = Readonly<Record<string, number | boolean | string>>

export function expand(code: string, constants: ConstantValues): string {
  const written: string[] = []
  let rest = code
  for (;;) {
    const found = marker.exec(rest)
    if (!found) return written.join('') + rest
    const [expanded, after] = expandFirst(rest.slice(found.index + found[0].length), constants)
    written.push(rest.slice(0, found.index), expanded)
    rest = after
  }
}

/** The loop or condition that code begins with, written out, and what follows it. */
function expandFirst(code: string, constants: ConstantValues): [string, string] {
  const constantOf = (name: string): number => {
    const value = constants[name] ?? Number(name.replace(/u$/, ''))
    if (typeof value === 'string' || Number.isNaN(value)) throw new Error(`expand: ${name} is not a constant`)
    return Number(value)
  }
  const repeated = loop.exec(code)
  if (repeated) {
    const [body, after] = block(code.slice(repeated[0].length))
    const count = repeated[2].split('*').reduce((product, factor) => product * constantOf(factor.trim()), 1)
    const name = new RegExp(`\\b${repeated[1]}\\b`, 'g')
    // What stands inside is written out once, then for each i.
    const inside = expand(body, constants)
    return [Array.from({ length: count }, (_, i) => `{${inside.replace(name, `${i}u`)}}\n`).join(''), after]
  }
  const decided = condition.exec(code)
  if (!decided) throw new Error(`expand: neither a loop nor a condition it knows: ${code.slice(0, 60)}`)
  const [taken, afterTaken] = block(code.slice(decided[0].length))
  const [other, after] = afterTaken.startsWith(' else {') ? block(afterTaken.slice(' else {'.length)) : ['', afterTaken]
  return [`{${expand(constantOf(decided[1]) ? taken : other, constants)}}`, after]
}

/** Splits code after an opening brace at the one that closes it. */
function block(code: string): [string, string] {
  let depth = 1
  for (let at = 0; at < code.length; at++) {
    if (code[at] === '{') depth++
    else if (code[at] === '}' && --depth === 0) return [code.slice(0, at), code.slice(at + 1)]
  }
  throw new Error('expand: a block is not closed')
}
