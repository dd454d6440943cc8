import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright'
import { build, createLogger, createServer } from 'vite'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { DownloadProgress } from '../../../../src/app/page/worker/data-download.ts'
import { loadTrainingData, type TrainingDataOptions } from '../../../../src/app/page/worker/training-data.ts'
import { splitFiles, unpack } from '../../../../src/app/tasks/fashion-mnist/files.ts'
import { loadFashionMnist } from '../../../../src/app/tasks/fashion-mnist/store.ts'
import { trainingFiles } from '../../../../vite/training-files.ts'
import { quiet, root, useSite } from '../site.ts'

/** The training data's way into the page: from hosts that have it, hosts that don't, and the browser's own storage. */

const { images, labels } = splitFiles.train
const nowhere = { folder: '/nowhere', debianFolder: '/nowhere', mirrors: [] }

async function serve(answer: RequestListener): Promise<string> {
  const server = createHttpServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/folder/?index=3`
}

/** A host whose data/ answers so; the files built into the page are as Vitest addresses them. */
const host = (data: RequestListener) =>
  serve(async (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://localhost')
    if (pathname.startsWith('/some/folder/data/')) data(request, response)
    else response.end(await readFile(`${root}${pathname.slice(1)}`))
  })

const labelFile = gzipSync(new Uint8Array(60_008))
const sendsLabelsAnd =
  (images: RequestListener): RequestListener =>
  (request, response) =>
    request.url?.includes('labels') ? response.end(labelFile) : images(request, response)

describe('a host that can not give the training images has the page use its own', () => {
  const cases: Record<string, [answer: RequestListener, why: string, stallMs?: number]> = {
    'no such file': [(_, response) => response.writeHead(404).end(), 'the server answers 404'],
    'an address that serves one page for all': [
      (_, response) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>'),
      'the server sends a web page in its place',
    ],
    'a page that does not say so': [(_, response) => response.end('<!doctype html>'), 'damaged or something else'],
    'labels but no images': [sendsLabelsAnd((_, response) => response.writeHead(403).end()), 'the server answers 403'],
    'a truncated file': [
      sendsLabelsAnd((_, response) => response.end(gzipSync(new Uint8Array(1000)).subarray(0, 30))),
      'damaged or something else',
    ],
    'another file': [
      sendsLabelsAnd((_, response) => response.end(gzipSync(new Uint8Array(images.bytes)))),
      'damaged or something else',
    ],
    'a file that never ends': [
      (_, response) => {
        const more = () => {
          while (response.write(Buffer.alloc(1 << 16)));
        }
        response.on('drain', more)
        more()
      },
      'damaged or something else',
    ],
    'a transfer that breaks off': [
      sendsLabelsAnd((_, response) => {
        response.writeHead(200, { 'content-length': 1000 }).write('some', () => response.destroy())
      }),
      'the server does not answer, or breaks off',
    ],
    'a server that is silent': [() => {}, 'nothing came for 0.5 seconds', 500],
    'a server that stalls midway': [
      sendsLabelsAnd((_, response) => response.writeHead(200, { 'content-length': 1000 }).write('some')),
      'nothing came for 0.5 seconds',
      500,
    ],
  }
  test.each(Object.entries(cases))('%s', async (_, [answer, why, stallMs]) => {
    const { set, source, reason } = await loadTrainingData({ base: await host(answer), stallMs })
    expect([source, set.count, set.labels.length, set.images.length]).toEqual(['built-in', 4000, 4000, 4000 * 784])
    expect(reason).toMatch(
      new RegExp(`^This site can't give the 60,000 .*\\(.*${why}\\), so the 4,000 built into the page are used\\.$`),
    )
  })

  test('unless it can not give those either: then both is said', async () => {
    const base = await serve((_, response) => response.writeHead(500).end())
    await expect(loadTrainingData({ base })).rejects.toMatchObject({
      name: 'LimelightError',
      message: expect.stringMatching(
        /answers 500\), and those built into the page can't be had: the server answers 500/,
      ),
    })
  })
})

test('an abort, before, while waiting and midway, is thrown as its reason', async () => {
  const reason = new Error('enough')
  const refusalOf = (options: TrainingDataOptions) => loadTrainingData(options).catch((error: unknown) => error)
  expect(await refusalOf({ base: 'http://127.0.0.1:1/', signal: AbortSignal.abort(reason) })).toBe(reason)

  const waiting = new AbortController()
  expect(await refusalOf({ base: await host(() => waiting.abort(reason)), signal: waiting.signal })).toBe(reason)

  const midway = new AbortController()
  const base = await host(
    sendsLabelsAnd((_, response) => response.writeHead(200, { 'content-length': 1000 }).write('some')),
  )
  const told: DownloadProgress[] = []
  const onProgress = (progress: DownloadProgress) => {
    told.push(progress)
    if (progress.received > 0) midway.abort(reason)
  }
  expect(await refusalOf({ base, signal: midway.signal, onProgress })).toBe(reason)
  expect(told).toEqual([
    { received: 0, total: 1000 },
    { received: 4, total: 1000 },
  ])
})

describe('the hosting', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'limelight-hosting-'))
    await mkdir(join(folder, 'page'))
    await writeFile(join(folder, 'page', 'index.html'), '<!doctype html>')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('builds without the files where they can not be had, and says so in a line', async () => {
    const outDir = join(folder, 'out')
    const warnings: string[] = []
    const customLogger = { ...createLogger('silent'), warn: (line: string) => warnings.push(line) }
    const settings = { configFile: false, root: join(folder, 'page'), customLogger, logLevel: 'warn' } as const
    await build({ ...settings, plugins: [trainingFiles(nowhere)], build: { outDir } })
    expect(await readdir(outDir)).toEqual(['index.html'])
    expect(warnings.filter((line) => line.includes('no data/'))).toHaveLength(1)
  })

  test('has the development server answer 404 and say what to do where they can not be had', async () => {
    const plugins = [trainingFiles(nowhere)]
    const settings = { configFile: false, root: join(folder, 'page'), logLevel: 'error' } as const
    const server = await createServer({ ...settings, plugins, server: { port: 0, watch: null } })
    onTestFinished(() => server.close())
    await server.listen()
    const response = await fetch(new URL(`data/${images.name}`, server.resolvedUrls?.local[0]))
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('apt-get install dataset-fashion-mnist')
  })
})

describe('a build and the development server', () => {
  const site = useSite()
  /** In the page, from its own address; what crosses to the test is what can be checked there. Vitest would rewrite an import. */
  const loaded = (page: Page): Promise<{ source: string; told: DownloadProgress[] }> =>
    page.evaluate(`(async () => {
      const { loadTrainingData } = await import('/worker/training-data.ts')
      const told = []
      const onProgress = (progress) => told.push(progress)
      const { set, source, reason } = await loadTrainingData({ base: document.baseURI, onProgress })
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', set.images))
      return { count: set.count, labels: Array.from(set.labels), digest: Array.from(digest), source, reason, told }
    })()`)

  test('have the verified files', async () => {
    for (const file of [images, labels]) {
      const inFolder = await readFile(join(site.folder, 'data', file.name))
      const content = await unpack(file, inFolder)
      const served = await fetch(`${site.address}data/${file.name}`)
      expect(Buffer.compare(await unpack(file, new Uint8Array(await served.arrayBuffer())), content)).toBe(0)
    }
  })

  test('give them to the page, which keeps them, verifies them again, and replaces what is damaged', async () => {
    const server = await createServer({
      ...quiet,
      cacheDir: await mkdtemp(join(tmpdir(), 'limelight-vite-cache-')),
      server: { port: 0, open: false, hmr: false, watch: null },
    })
    onTestFinished(() => server.close())
    await server.listen()
    const page = await site.browser.newPage()
    onTestFinished(() => page.close())
    await page.goto(`${server.resolvedUrls?.local[0]}?index=3`)

    const expected = await loadFashionMnist('train')
    const digest = Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(expected.images))))
    const same = { count: 60_000, labels: Array.from(expected.labels), digest, reason: null }
    const first = await loaded(page)
    expect(first).toMatchObject({ ...same, source: 'site' })
    const { told } = first
    expect(told[0].total).toBeGreaterThan(20_000_000)
    expect(told[0].received).toBe(0)
    expect(told.at(-1)?.received).toBe(told[0].total)

    expect(await loaded(page)).toMatchObject({ ...same, source: 'kept', told: [] })

    await page.evaluate(async () => {
      const cache = await caches.open('limelight-training-data')
      for (const request of await cache.keys()) await cache.put(request, new Response('damaged'))
    })
    expect(await loaded(page)).toMatchObject({ ...same, source: 'site' })
    expect(await loaded(page)).toMatchObject({ ...same, source: 'kept' })
  })
})
