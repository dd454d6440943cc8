import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import type { CatalogueEntry } from '../../../src/app/catalogue/known-networks.ts'
import { modelFromCatalogue } from '../../../src/app/catalogue/model-store.ts'
import { lockFile } from '../../../src/app/data/write-lock.ts'
import { ArgumentError, LimelightError } from '../../../src/engine/errors.ts'

const content = Buffer.from(Uint8Array.from({ length: 50_000 }, (_, i) => (i * i) % 251))
const labels = Buffer.from('cat\ndog\n')

function file(name: string, bytes: Buffer) {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { name, address: 'http://127.0.0.1:9/nowhere', sha256, bytes: bytes.byteLength }
}

const entries: Record<string, CatalogueEntry> = {
  known: {
    title: 'A network',
    what: 'a network',
    licence: 'MIT',
    home: '',
    model: file('known.onnx', content),
    labels: file('known.labels.txt', labels),
    images: {},
  },
}

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limelight-models-'))
  return () => rm(folder, { recursive: true, force: true })
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** A server of both files, which understands ranges and notes what is asked. */
function files(asked: string[]): RequestListener {
  return (request, response) => {
    const bytes = request.url === '/known.onnx' ? content : labels
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    asked.push(`${request.url} from ${from}`)
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': bytes.byteLength - from,
      ...(from > 0 && { 'content-range': `bytes ${from}-${bytes.byteLength - 1}/${bytes.byteLength}` }),
    })
    response.end(bytes.subarray(from))
  }
}

it('downloads a network and its labels once, verified', async () => {
  const asked: string[] = []
  const server = await serve(files(asked))
  const received: number[] = []
  const onProgress = (progress: { received: number }) => received.push(progress.received)
  const found = await modelFromCatalogue('known', { entries, folder, server, onProgress })
  expect(await readFile(found.model)).toEqual(content)
  expect(await readFile(found.labels ?? '')).toEqual(labels)
  expect(found.images.classNames?.value).toEqual(['cat', 'dog'])
  expect(received).toContain(content.byteLength)
  await modelFromCatalogue('known', { entries, folder, server })
  expect(asked).toEqual(['/known.onnx from 0', '/known.labels.txt from 0'])
})

it('goes on where an earlier download was broken off', async () => {
  const asked: string[] = []
  const whole = files(asked)
  let isFirst = true
  const server = await serve((request, response) => {
    if (!isFirst) return whole(request, response)
    isFirst = false
    response.writeHead(200, { 'content-length': content.byteLength })
    response.write(content.subarray(0, 20_000), () => setTimeout(() => response.destroy(), 50))
  })
  await expect(modelFromCatalogue('known', { entries, folder, server })).rejects.toThrow(/could not be had/)
  expect(existsSync(join(folder, 'known.onnx'))).toBe(false)
  const { model } = await modelFromCatalogue('known', { entries, folder, server })
  expect(await readFile(model)).toEqual(content)
  expect(asked[0]).toBe('/known.onnx from 20000')
})

it('is downloaded by one of many who want it at once, and the others wait for it', async () => {
  const asked: string[] = []
  const whole = files(asked)
  const server = await serve((request, response) => {
    if (request.url !== '/known.onnx') return whole(request, response)
    asked.push('/known.onnx from 0')
    response.writeHead(200, { 'content-length': content.byteLength })
    response.write(content.subarray(0, 20_000))
    setTimeout(() => response.end(content.subarray(20_000)), 200)
  })
  const wanted = Array.from({ length: 5 }, () => modelFromCatalogue('known', { entries, folder, server }))
  for (const { model, labels: names } of await Promise.all(wanted)) {
    expect(await readFile(model)).toEqual(content)
    expect(await readFile(names ?? '')).toEqual(labels)
  }
  expect(asked).toEqual(['/known.onnx from 0', '/known.labels.txt from 0'])
  expect((await readdir(folder)).sort()).toEqual(['known.labels.txt', 'known.onnx'])
})

it('is not waited for where whoever downloads it is frozen, and what that one left is removed', async () => {
  const frozen = await lockFile(join(folder, 'known.onnx'))
  const partial = join(folder, 'known.onnx.partial')
  await writeFile(partial, content.subarray(0, 10_000))
  const asked: string[] = []
  const server = await serve(files(asked))
  const { model } = await modelFromCatalogue('known', { entries, folder, server, stallMs: 200 })
  expect(await readFile(model)).toEqual(content)
  expect(asked[0]).toBe('/known.onnx from 0')
  // It wakes up, and goes on: what it has is its own.
  await appendFile(partial, content.subarray(10_000, 20_000))
  await modelFromCatalogue('known', { entries, folder, server })
  expect(await readdir(folder)).toContain('known.onnx.partial')
  frozen.release()
  await modelFromCatalogue('known', { entries, folder, server })
  expect((await readdir(folder)).sort()).toEqual(['known.labels.txt', 'known.onnx'])
})

it('gives up waiting for another with the signal', async () => {
  const other = await lockFile(join(folder, 'known.onnx'))
  onTestFinished(() => other.release())
  const reason = new Error('SIGTERM')
  const signal = AbortSignal.abort(reason)
  await expect(modelFromCatalogue('known', { entries, folder, signal })).rejects.toBe(reason)
  const later = new AbortController()
  const waiting = modelFromCatalogue('known', {
    entries,
    folder,
    signal: later.signal,
    onProgress: () => later.abort(reason),
  })
  await expect(waiting).rejects.toBe(reason)
})

it('begins again where the server knows no ranges', async () => {
  await writeFile(join(folder, 'known.onnx.partial'), content.subarray(0, 10_000))
  const server = await serve((request, response) => response.end(request.url === '/known.onnx' ? content : labels))
  const { model } = await modelFromCatalogue('known', { entries, folder, server })
  expect(await readFile(model)).toEqual(content)
})

it('takes nothing that is another file, and keeps none of it', async () => {
  const server = await serve((_, response) => response.end(Buffer.from(content.toReversed())))
  const wrong = modelFromCatalogue('known', { entries, folder, server })
  await expect(wrong).rejects.toThrow(LimelightError)
  await expect(wrong).rejects.toThrow(/not the original: SHA-256 [0-9a-f]{64}, expected /)
  expect(existsSync(join(folder, 'known.onnx.partial'))).toBe(false)
  const tooMuch = await serve((_, response) => response.end(Buffer.concat([content, content])))
  await expect(modelFromCatalogue('known', { entries, folder, server: tooMuch })).rejects.toThrow(/sends more than/)
})

it('replaces a damaged copy, and says when a server refuses', async () => {
  await writeFile(join(folder, 'known.onnx'), content.subarray(1))
  const refusing = await serve((_, response) => response.writeHead(403).end())
  await expect(modelFromCatalogue('known', { entries, folder, server: refusing })).rejects.toThrow(
    /answers 403 Forbidden/,
  )
  const { model } = await modelFromCatalogue('known', { entries, folder, server: await serve(files([])) })
  expect(await readFile(model)).toEqual(content)
})

it('names the networks there are', async () => {
  await expect(modelFromCatalogue('alexnet', { folder })).rejects.toThrow(ArgumentError)
  await expect(modelFromCatalogue('alexnet', { folder })).rejects.toThrow('there are mobilenet-v2, squeezenet-1.1')
})
