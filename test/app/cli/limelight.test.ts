import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { limelight, root } from './command.ts'

describe('limelight', () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(await limelight('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it('shows help on --help, with exit code 0', async () => {
    const { code, stdout } = await limelight('--help')
    expect(code).toBe(0)
    for (const command of ['data', 'train', 'evaluate', 'explain', 'tutorial'])
      expect(stdout).toContain(`  ${command} `)
  })
})
