import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where files of one run find what another of them has made. */
    runFolder: string
  }
}

/**
 * Waits for the end of whoever holds the other end of its standard input, however it ends, and removes the folder, until it
 * stays away: processes of a run that was killed end a moment later, and may write until then.
 */
const remover = `
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
  process.stdin.resume().on('end', async () => {
    for (let turn = 0, away = 0; turn < 60 && away < 3; turn++) {
      away = fs.existsSync(process.argv[1]) ? 0 : away + 1
      try {
        fs.rmSync(process.argv[1], { recursive: true, force: true })
      } catch {}
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  })`

/** Where the run's folder is told of: each of a run's projects has this setup, in modules of its own. */
const madeFolder = 'LIMELIGHT_RUN_FOLDER'

/**
 * Vitest's global setup: all that a run writes for a while, built sites and browsers' profiles among it, is in one folder,
 * which is removed when the run ends, or is killed. The first of its projects makes it: folders in one another would have paths
 * too long for Chromium's sockets.
 */
export default function makeRunFolder(project: TestProject): (() => void) | undefined {
  const made = process.env[madeFolder]
  if (made !== undefined) {
    project.provide('runFolder', made)
    return undefined
  }
  const former = process.env.TMPDIR
  const folder = mkdtempSync(join(tmpdir(), 'limelight-run-'))
  const child = spawn(process.execPath, ['--eval', remover, folder], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  })
  child.unref()
  // What holds the pipe must not hold this process.
  if (child.stdin instanceof Socket) child.stdin.unref()
  process.env.TMPDIR = folder
  process.env[madeFolder] = folder
  project.provide('runFolder', folder)
  return () => {
    if (former === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = former
    delete process.env[madeFolder]
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    } catch {
      // A browser that is just ending may write yet: what removes folders of runs that were killed removes this one, too.
    }
    child.stdin?.end()
  }
}
