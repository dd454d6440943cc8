import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { debianFolder } from '../../../src/app/tasks/fashion-mnist/store.ts'
import { start } from './command.ts'

/** Downloads, ended by a signal while a slow server sends. */

const cache = mkdtempSync(join(tmpdir(), 'limelight-interrupted-'))
afterAll(() => rmSync(cache, { recursive: true, force: true }))

/** Sends a little of each file, and then nothing more. */
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-length': 1_000_000 })
  response.write(new Uint8Array(1000), () => server.emit('sent'))
})
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => server.closeAllConnections())
afterAll(() => server.close())

/** Before the command: nothing is found on this machine, and the web is the server. */
const preload = (port: number) => `
  import files from 'node:fs/promises'
  import { syncBuiltinESMExports } from 'node:module'
  const { readFile } = files
  const isHidden = (path) => String(path).startsWith(${JSON.stringify(debianFolder)})
  files.readFile = (path, ...rest) => readFile(isHidden(path) ? '/nowhere' : path, ...rest)
  syncBuiltinESMExports()
  const { fetch } = globalThis
  globalThis.fetch = (address, options) => fetch('http://127.0.0.1:${port}' + new URL(address).pathname, options)`

/** How a command ends that gets the signal when something has come. */
async function interrupted(words: readonly string[], signal: NodeJS.Signals) {
  const { port } = server.address() as AddressInfo
  const imported = `data:text/javascript,${encodeURIComponent(preload(port))}`
  const env = { ...process.env, LIMELIGHT_DATA: cache, NODE_OPTIONS: `--import=${imported}` }
  const sent = once(server, 'sent')
  const { child, ended } = start(words, { env })
  await Promise.race([sent, ended])
  return { child, ended, kill: () => child.kill(signal) }
}

const signals = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const

it.each(signals)('the data set, by %s: one line, exit code %d, and no half file', async (signal, code) => {
  const { ended, kill } = await interrupted(['data'], signal)
  kill()
  expect(await ended).toEqual({ code, stdout: '', stderr: '\ninterrupted\n' })
  expect(readdirSync(cache)).toEqual([])
})

it.each([
  ['models get', ['models', 'get', 'mobilenet-v2']],
  ['inspect', ['inspect', 'mobilenet-v2']],
  ['plan', ['plan', '--model', 'mobilenet-v2']],
  ['profile', ['profile', '--model', 'mobilenet-v2', '--device', 'cpu']],
  ['predict', ['predict', '--model', 'mobilenet-v2', '--image', 'docs/train-dark.png', '--device', 'reference']],
])('a network of the catalogue, in %s: at once, and the part that came is kept', async (_, words) => {
  const folder = join(cache, 'models')
  for (const [signal, code] of signals) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
    const { ended, kill } = await interrupted(words, signal)
    const part = join(folder, 'mobilenet-v2-quantised.tflite.partial')
    // What the server has sent need not have come yet.
    await expect.poll(() => readdirSync(folder)).toContain(basename(part))
    kill()
    const stderr = '\ninterrupted; what came is kept, and gone on from next time\n'
    expect(await ended).toEqual({ code, stdout: '', stderr })
    expect(readdirSync(folder)).toEqual([basename(part)])
    expect(readFileSync(part)).toEqual(Buffer.alloc(1000))
  }
  rmSync(folder, { recursive: true, force: true })
})
