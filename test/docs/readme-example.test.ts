import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { outcomeOf, root } from '../app/cli/command.ts'

it("README's first program runs as it stands, and finds the bright half", async () => {
  const [, program] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
  expect(program).toContain("from 'limelight'")
  const child = spawn(process.execPath, ['--input-type=module'], { cwd: root })
  child.stdin.end(program)
  const { code, stdout, stderr } = await outcomeOf(child)
  expect(code, stderr).toBe(0)
  expect(stdout).toContain('class 0:')
  // Of four parts, the two of the left half weigh the most.
  const heaviest = [...stdout.matchAll(/\[ (\d), /g)].slice(0, 2).map(([, part]) => Number(part))
  expect(heaviest.sort()).toEqual([0, 2])
})
