import { type Browser, chromium, type Page } from 'playwright'
import { createServer, type ViteDevServer } from 'vite'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { tutorialArchitecture } from '../../../src/app/networks/tutorial.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { Sequential } from '../../../src/engine/facade/sequential.ts'
import { adam } from '../../../src/engine/training/optimizers.ts'
import { chromiumFlags, findChromium } from '../../chromium.ts'

/**
 * Threads in a real browser: in a window, which must not sleep while it waits, in a worker, and where a page's headers do not
 * allow them. The same bits everywhere, and Node's.
 */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

let server: ViteDevServer
let browser: Browser
let address: string

beforeAll(async () => {
  server = await createServer({
    root: new URL('../../../', import.meta.url).pathname,
    configFile: false,
    logLevel: 'error',
    // Any page may be asked for: nothing is to be found and bundled beforehand but what the engine imports.
    optimizeDeps: { noDiscovery: true, include: ['seedrandom'] },
    server: { port: 0, headers: isolation, watch: null, hmr: false },
  })
  await server.listen()
  address = server.resolvedUrls?.local[0] ?? ''
  browser = await chromium.launch({ executablePath: findChromium(), args: chromiumFlags })
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

let page: Page
afterEach(() => page?.close())

async function openPage(headers: Record<string, string>): Promise<void> {
  page = await browser.newPage()
  await page.route(`${address}empty`, (route) =>
    route.fulfill({
      headers: { 'Content-Type': 'text/html', ...headers },
      body: '<!doctype html><title>empty</title>',
    }),
  )
  await page.goto(`${address}empty`)
}

interface Trained {
  readonly adapter: string
  readonly hash: number
}

/** Two steps of training and a prediction, as source text: it runs in windows and in workers. */
const trainInBrowser = `async (address, architecture, threads) => {
  const { CpuDevice } = await import(address + 'src/engine/cpu/device.ts')
  const { Sequential } = await import(address + 'src/engine/facade/sequential.ts')
  const { adam } = await import(address + 'src/engine/training/optimizers.ts')
  return (${train})({ CpuDevice, Sequential, adam }, architecture, threads)
}`

async function train(
  engine: { CpuDevice: typeof CpuDevice; Sequential: typeof Sequential; adam: typeof adam },
  { layers, ...options }: ReturnType<typeof tutorialArchitecture>,
  threads: number,
): Promise<Trained> {
  const device = new engine.CpuDevice({ threads })
  const model = new engine.Sequential(options, layers)
  await model.compile({ device, optimizer: engine.adam(), metrics: ['accuracy'] })
  const images = Uint8Array.from({ length: 64 * 784 }, (_, i) => (i * 7919) % 251)
  const samples = { data: images, shape: [64, 28, 28, 1], scale: 1 / 255 }
  await model.fit(
    samples,
    Int32Array.from({ length: 64 }, (_, i) => (i * 7) % 10),
    { batchSize: 32 },
  )
  const { data } = await model.predict(samples)
  const { adapter } = device.info
  device.dispose()
  const bits = [...model.weights.map((weight) => weight.data), data].map((values) => new Int32Array(values.buffer))
  return { adapter, hash: bits.reduce((hash, values) => values.reduce((h, v) => (Math.imul(h, 31) + v) | 0, hash), 0) }
}

const inWindow = (threads: number) =>
  page.evaluate(`(${trainInBrowser})('${address}', ${JSON.stringify(tutorialArchitecture(4))}, ${threads})`)

const inWorker = (threads: number) =>
  page.evaluate(`new Promise((resolve, reject) => {
    const source = 'onmessage = ({ data }) => (' + ${JSON.stringify(trainInBrowser)} + ')(...data).then(postMessage, (error) => setTimeout(() => { throw error }))'
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))
    worker.onmessage = ({ data }) => resolve(data)
    worker.onerror = ({ message }) => reject(new Error(message))
    worker.postMessage(['${address}', ${JSON.stringify(tutorialArchitecture(4))}, ${threads}])
  })`)

describe('the cpu device in Chromium gives the bits it gives in Node', () => {
  let hash: number
  beforeAll(async () => {
    hash = (await train({ CpuDevice, Sequential, adam }, tutorialArchitecture(4), 1)).hash
  })

  it('with three threads in a window that is isolated', async () => {
    await openPage(isolation)
    expect(await inWindow(3)).toEqual({ adapter: 'WebAssembly SIMD, 3 threads', hash })
  })

  it('with three threads in a worker', async () => {
    await openPage(isolation)
    expect(await inWorker(3)).toEqual({ adapter: 'WebAssembly SIMD, 3 threads', hash })
  })

  it('with one thread in a window that is not isolated', async () => {
    await openPage({})
    expect(await inWindow(3)).toEqual({ adapter: 'WebAssembly SIMD, one thread', hash })
  })

  it('with one thread where a policy forbids workers', async () => {
    await openPage({ ...isolation, 'Content-Security-Policy': "worker-src 'none'" })
    expect(await inWindow(3)).toEqual({ adapter: 'WebAssembly SIMD, one thread', hash })
  })
})
