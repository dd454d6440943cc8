import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseSafetensors } from '../../../src/engine/formats/safetensors.ts'
import { explainFixed, root, useFolder } from './command.ts'

const folder = useFolder()

/** The exit code of a command whose stdout and stderr are pipes that nobody reads any more. */
function withClosedPipes(...words: string[]): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'dist/cli.js'), ...words], { cwd: root })
    child.stdout.destroy()
    child.stderr.destroy()
    child.on('exit', resolve)
  })
}

describe('limelight goes on when nobody reads its output', () => {
  it('training saves its model', { timeout: 300_000 }, async () => {
    const file = join(folder, 'unwatched.safetensors')
    const words = ['--limit', '64', '--epochs', '1', '--device', 'cpu', '--save', file]
    expect(await withClosedPipes('train', ...words)).toBe(0)
    expect(parseSafetensors(readFileSync(file)).metadata.epochs).toBe('1')
  })

  it('explain writes its pictures', async () => {
    const out = join(folder, 'unwatched')
    const words = ['--index', '1', '--samples', '20', '--top-labels', '1', '--device', 'cpu', '--json', '--out', out]
    expect(await withClosedPipes(...explainFixed, ...words)).toBe(0)
    expect(await readdir(out)).toHaveLength(8)
  })
})
