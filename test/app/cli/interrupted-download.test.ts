import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { debianFolder } from '../../../src/app/tasks/fashion-mnist/store.ts'
import { start } from './command.ts'

/** `limelight data`, ended by a signal while a slow server sends. */

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

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('by %s: one line, exit code %d, and no half file', async (signal, code) => {
  const { port } = server.address() as AddressInfo
  const imported = `data:text/javascript,${encodeURIComponent(preload(port))}`
  const env = { ...process.env, LIMELIGHT_DATA: cache, NODE_OPTIONS: `--import=${imported}` }
  const sent = once(server, 'sent')
  const { child, ended } = start(['data'], { env })
  await Promise.race([sent, ended])
  child.kill(signal)
  expect(await ended).toEqual({ code, stdout: '', stderr: '\ninterrupted\n' })
  expect(readdirSync(cache)).toEqual([])
})
