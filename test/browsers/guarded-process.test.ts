import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { until } from './browser.ts'

const isAlive = (id: number) => {
  try {
    return process.kill(id, 0)
  } catch {
    return false
  }
}

test('what a killed process had started is gone with it, and so is its folder', async () => {
  const module = JSON.stringify(new URL('./guarded-process.ts', import.meta.url).href)
  // A shell that starts another program, tells both their numbers, and waits.
  const shell = 'sleep 1000 & echo "started $$ $! " >&2; touch "$0/written"; wait'
  const source = `
    const { createServer } = await import('vite')
    const server = await createServer({ configFile: false, logLevel: 'silent', server: { middlewareMode: true, ws: false } })
    const { GuardedProcess } = await server.ssrLoadModule(${module}.slice('file://'.length))
    const guarded = await GuardedProcess.start('/bin/sh', (folder) => ['-c', ${JSON.stringify(shell)}, folder])
    const [, ...ids] = await guarded.says(/started (\\d+) (\\d+) /)
    console.log(JSON.stringify({ folder: guarded.folder, ids: ids.map(Number) }))`
  const victim = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [told] = await once(victim.stdout, 'data')
  const { folder, ids } = JSON.parse(String(told)) as { folder: string; ids: number[] }
  expect([existsSync(folder), ...ids.map(isAlive)]).toEqual([true, true, true])
  victim.kill('SIGKILL')
  await until(async () => (existsSync(folder) || ids.some(isAlive) ? null : true), 'the end of all')
})
