import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect } from 'vitest'

/** The command as people run it: a process of its own, from dist/ (built by the global setup). */

export const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The recorded network's file. */
export const model = join(root, 'test/reference/model.safetensors')

/** `limelight explain` with this network, the same each time. */
export const explainFixed = ['explain', '--model', model, '--random-state', '123', '--random-seed', '123']

/** A folder for the tests of the file that asks: it is gone after them. */
export function useFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'limelight-cli-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Outcome>
}

export function start(words: readonly string[], options: SpawnOptions = {}): Running {
  const child = spawn(process.execPath, [`${root}dist/cli.js`, ...words], { cwd: root, ...options })
  return { child, ended: outcomeOf(child) }
}

/** What a process prints, and how it ends. */
export function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (part) => {
    stdout += part
  })
  child.stderr?.on('data', (part) => {
    stderr += part
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

export function limelight(...words: string[]): Promise<Outcome> {
  return start(words).ended
}

/** It failed: nothing printed, one line that says why, no stack. */
export function expectFailure({ code, stdout, stderr }: Outcome, expectedCode: number, pattern: RegExp): void {
  expect(stdout).toBe('')
  expect(stderr).toMatch(pattern)
  expect(stderr).not.toMatch(/\n\s+at |this is a bug/)
  expect(stderr.match(/^limelight: /gm)).toHaveLength(1)
  expect(code).toBe(expectedCode)
}

/** Nothing printed, what is wrong on stderr, no stack. */
export function expectLine({ code, stdout, stderr }: Outcome, expectedCode: number, pattern: RegExp): void {
  expect(stdout).toBe('')
  expect(stderr).toMatch(pattern)
  expect(stderr).not.toMatch(/\n\s+at /)
  expect(code).toBe(expectedCode)
}
