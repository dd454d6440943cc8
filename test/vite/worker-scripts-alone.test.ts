import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, type UserConfig } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scriptApart, workerScriptsAlone } from '../../vite/worker-scripts-alone.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limelight-worker-'))
  const files = {
    'index.html': '<script type="module" src="./main.js"></script>',
    'main.js': "new Worker(new URL('./some-worker.ts', import.meta.url), { type: 'module' })",
    'some-worker.ts': "import { shared } from './shared.js'; postMessage(shared); import('./later.js')",
    'shared.js': "export const shared = Math.random() + 'said by both'",
    'later.js': "import { shared } from './shared.js'; console.log(shared)",
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const built = (rolldownOptions: NonNullable<UserConfig['worker']>['rolldownOptions']) =>
  build({
    configFile: false,
    logLevel: 'silent',
    root: folder,
    worker: { format: 'es', plugins: () => [workerScriptsAlone()], rolldownOptions },
  })

test('a build in which a file imports the script of its Worker fails: WebKit would run that twice', async () => {
  await expect(built({})).rejects.toThrow(/later-.*imports .*some-worker.*twice/)
})

test('none does where what the script shares is apart', async () => {
  await built({ output: { codeSplitting: scriptApart } })
})
