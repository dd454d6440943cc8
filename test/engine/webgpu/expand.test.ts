import { describe, expect, it } from 'vitest'
import { expand } from '../../../src/engine/webgpu/expand.ts'

const compact = (code: string) => code.replace(/\s+/g, ' ').trim()

describe('expand', () => {
  it('writes a loop out, with numbers in place of its variable and of no other name', () => {
    const code = `// expand
for (var i = 0u; i < COUNT; i++) { sum[i] += index * fi(i); }`
    expect(compact(expand(code, { COUNT: 2 }))).toBe('{ sum[0u] += index * fi(0u); } { sum[1u] += index * fi(1u); }')
  })

  it('writes loops within loops out, and takes products and numbers as bounds', () => {
    const code = `// expand
for (var a = 0u; a < ROWS * 2u; a++) {
  // expand
  for (var b = 0u; b < ROWS; b++) { f(a, b); }
}`
    expect(compact(expand(code, { ROWS: 1 }))).toBe('{ { f(0u, 0u); } } { { f(1u, 0u); } }')
  })

  it('leaves nothing of a loop that never runs', () => {
    const code = 'before;\n// expand\nfor (var i = 0u; i < NONE; i++) { if (x) { y; } }\nafter;'
    expect(compact(expand(code, { NONE: 0 }))).toBe('before; after;')
  })

  it('takes one branch of a condition', () => {
    const code = '// expand\nif (FLAG) { yes; } else { no; }\n// expand\nif (FLAG) { also; }'
    expect(compact(expand(code, { FLAG: true }))).toBe('{ yes; } { also; }')
    expect(compact(expand(code, { FLAG: false }))).toBe('{ no; } {}')
  })

  it('leaves other loops as they are', () => {
    const code = 'for (var i = 0u; i < COUNT; i++) { f(i); }'
    expect(expand(code, { COUNT: 3 })).toBe(code)
  })

  it('refuses what it can not know', () => {
    expect(() => expand('// expand\nfor (var i = 0u; i < UNKNOWN; i++) { }', {})).toThrow(/UNKNOWN is not a constant/)
    expect(() => expand('// expand\nwhile (true) { }', {})).toThrow(/neither a loop nor a condition/)
    expect(() => expand('// expand\nif (FLAG) { {', { FLAG: true })).toThrow(/not closed/)
  })
})
