import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { interruptSignal, whileInterruptible } from '../../../src/app/cli/terminal.ts'
import { type Outcome, root, useFolder } from './command.ts'

const folder = useFolder()

describe('limelight, interrupted', () => {
  /** Ends a command by a signal as soon as it says `signs`. Its standard output is not read. */
  const interrupted = (signal: 'SIGINT' | 'SIGTERM', signs: RegExp, ...words: string[]) =>
    new Promise<Omit<Outcome, 'stdout'> & { readonly endedBy: string | null }>((resolve) => {
      const child = spawn(process.execPath, [join(root, 'dist/cli.js'), ...words], { cwd: root })
      let stderr = ''
      child.stderr.on('data', (part) => {
        stderr += part
        // Once: the second would end the process at once.
        if (signs.test(stderr) && !child.killed) child.kill(signal)
      })
      child.on('close', (code, endedBy) => resolve({ code, stderr, endedBy }))
    })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s says that what training saved stays, and leaves no lock', async (signal, expected) => {
    const own = join(folder, signal)
    mkdirSync(own)
    const file = join(own, 'interrupted.safetensors')
    const { code, stderr } = await interrupted(signal, /training images/, 'train', '--device', 'cpu', '--save', file)
    expect(stderr).toMatch(/\ninterrupted; what was saved before stays\n$/)
    expect(code).toBe(expected)
    expect(await readdir(own)).toEqual([])
  })

  it('ends at once where the reference device would not look up for minutes', async () => {
    const file = join(folder, 'reference.safetensors')
    const words = ['train', '--device', 'reference', '--limit', '10000', '--save', file]
    expect((await interrupted('SIGINT', /training images/, ...words)).endedBy).toBe('SIGINT')
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('leaves what follows %s to the system, which kills', (name) => {
    const count = () => ['SIGINT', 'SIGTERM'].map((each) => process.listenerCount(each))
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const before = count()
    const heard = before.map((each) => each + 1)
    const signal = interruptSignal()
    expect(count()).toEqual(heard)
    process.emit(name)
    expect(signal.aborted).toBe(true)
    // npx passes on what was sent to its child, too.
    vi.advanceTimersByTime(900)
    process.emit(name)
    expect(count()).toEqual(heard)
    vi.advanceTimersByTime(200)
    expect(count()).toEqual(before)
  })

  it('leaves signals to the system at once where the work that they end has ended', async () => {
    const before = process.listenerCount('SIGTERM')
    const work = whileInterruptible(async (signal) => {
      process.emit('SIGTERM')
      signal.throwIfAborted()
    })
    await expect(work).rejects.toThrow('interrupted')
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })
})
