import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type InlineConfig, preview } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { responseHeaders } from '../../vite/response-headers.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limelight-headers-'))
  await writeFile(join(folder, 'worker.js'), 'postMessage(1)')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const settings = (): InlineConfig => ({
  configFile: false,
  logLevel: 'error',
  root: folder,
  plugins: [responseHeaders()],
})

/** Statuses and policies of a script's first answer and of the one that says it has not changed. */
async function answers(address: string) {
  const first = await fetch(`${address}worker.js`)
  await first.text()
  const again = await fetch(`${address}worker.js`, { headers: { 'If-None-Match': first.headers.get('ETag') ?? '' } })
  return [first, again].map(({ status, headers }) => [
    status,
    headers.get('Cross-Origin-Opener-Policy'),
    headers.get('Cross-Origin-Embedder-Policy'),
  ])
}
const isolated = [
  [200, 'same-origin', 'require-corp'],
  [304, 'same-origin', 'require-corp'],
]

test('the preview server sends them with what has not changed, too: WebKit starts no Worker without', async () => {
  const server = await preview({ ...settings(), build: { outDir: folder }, preview: { port: 0, open: false } })
  try {
    expect(await answers(server.resolvedUrls?.local[0] ?? '')).toEqual(isolated)
  } finally {
    await server.close()
  }
})

test('so does the development server', async () => {
  const server = await createServer({ ...settings(), server: { port: 0, hmr: false, watch: null } })
  try {
    await server.listen()
    expect(await answers(server.resolvedUrls?.local[0] ?? '')).toEqual(isolated)
  } finally {
    await server.close()
  }
})
