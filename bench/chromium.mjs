/**
 * Starts contenders as workers of one page in Chromium. The page and its workers (bench/page/) are bundled by Vite and
 * served, with the repository's data files, under the headers that make SharedArrayBuffer exist.
 */
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'
import { build, runnerImport } from 'vite'
import { paths } from './work.mjs'

const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const types = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' }
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** Compiled kernels are not kept between two runs. */
const noCache = ['--disable-gpu-shader-disk-cache']

/** A Chromium with WebGPU, of the tests' choice, that has no compiled kernels. */
export async function launchCold(moreFlags) {
  const { module } = await runnerImport(file('../test/chromium.ts'))
  return chromium.launch({
    executablePath: module.findChromium(),
    args: [...module.chromiumFlags, ...noCache, ...moreFlags],
  })
}

/**
 * @param {string[]} [moreFlags]
 * @param {Record<string, string>} [folders] served, too: peers get their addresses and that of `modules`, the peers' packages, among
 * their options
 * @returns {Promise<{version: string, start(contender, how?: { cold?: boolean }): {ask, close}, close(): Promise<void>}>}
 */
export async function openChromium(moreFlags = [], folders = {}) {
  await build({ configFile: file('page/vite.config.mjs'), logLevel: 'error' })
  const served = { modules: file('node_modules'), ...folders }
  const server = createServer((request, response) => serve(request, response, served))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${server.address().port}`
  const places = Object.fromEntries(Object.keys(served).map((name) => [name, `${address}/${name}`]))
  let browser
  /** A profile of its own: nothing is in its databases. */
  async function newPage() {
    const context = await browser.newContext()
    const page = await context.newPage()
    page.setDefaultTimeout(0)
    await page.goto(address)
    if (!(await page.evaluate(() => crossOriginIsolated))) throw new Error('the page is not cross-origin isolated')
    return page
  }
  try {
    browser = await launchCold(moreFlags)
    const shared = await newPage()
    let contenders = 0
    return {
      version: browser.version(),
      start({ peer }, { cold = false } = {}) {
        const id = contenders++
        const opening = cold ? newPage() : Promise.resolve(shared)
        const asked = async (message) => {
          const page = await opening
          if (message.options) message = { ...message, options: { ...message.options, ...places } }
          return page.evaluate(([id, name, message]) => globalThis.ask(id, name, message), [id, peer, message])
        }
        return {
          ask: (message) => asked(message).catch((error) => ({ error: error.message.split('\n')[0] })),
          async close() {
            const page = await opening.catch(() => undefined)
            await page?.evaluate((id) => globalThis.end(id), id).catch(() => {})
            if (cold) await page?.context().close()
          },
        }
      },
      async close() {
        await browser.close()
        server.close()
        server.closeAllConnections()
      },
    }
  } catch (error) {
    await browser?.close()
    server.close()
    server.closeAllConnections()
    throw error
  }
}

/** The page, the folders (the peers' .wasm files, say) and the files of the work; nothing else of the disk. */
function serve({ url }, response, folders) {
  const path = normalize(new URL(url, 'http://localhost').pathname).slice(1)
  const [first, ...rest] = path.split('/')
  const found = Object.values(paths).includes(path)
    ? file(`../${path}`)
    : join(folders[first] ?? join(file('page/dist'), first || 'index.html'), ...rest)
  if (!existsSync(found) || !statSync(found).isFile()) {
    response.writeHead(404, isolation).end()
    return
  }
  response.writeHead(200, { ...isolation, 'Content-Type': types[extname(found)] ?? 'application/octet-stream' })
  createReadStream(found).pipe(response)
}
