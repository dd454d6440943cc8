import { type AddressInfo, createServer } from 'node:net'
import { asynchronous, type Browser, findProgram, until } from './browser.ts'
import { GuardedProcess } from './guarded-process.ts'

/** WebKitGTK's own small browser on an X server without a screen, by WebDriver (https://www.w3.org/TR/webdriver2/). */

const elementKey = 'element-6066-11e4-a52e-4f735466cecf'

/** `environment`: variables for the browser, such as JavaScriptCore's options. @throws Error when a program is missing or fails */
export async function openWebKit(environment: Readonly<Record<string, string>> = {}): Promise<Browser> {
  const install = 'On Debian: apt-get install webkit2gtk-driver xvfb'
  const driver = findProgram('WEBKIT_DRIVER_PATH', ['/usr/bin/WebKitWebDriver'], install)
  const server = findProgram('XVFB_PATH', ['/usr/bin/Xvfb'], install)
  const display = await GuardedProcess.start(server, () =>
    '-displayfd 2 -screen 0 1600x1200x24 -nolisten tcp'.split(' '),
  )
  const processes = [display]
  const end = async () => {
    for (const each of processes.splice(0).reverse()) await each.end()
  }
  try {
    const [, number] = await display.says(/^(\d+)\n/m)
    const port = await freePort()
    const webkit = await GuardedProcess.start(
      driver,
      () => [`--port=${port}`],
      // A home of its own, and no desktop's settings, keys or sounds.
      (home) => ({
        DISPLAY: `:${number}`,
        HOME: home,
        TMPDIR: home,
        XDG_RUNTIME_DIR: home,
        XDG_CACHE_HOME: home,
        XDG_CONFIG_HOME: home,
        XDG_DATA_HOME: home,
        GDK_BACKEND: 'x11',
        GSETTINGS_BACKEND: 'memory',
        DBUS_SESSION_BUS_ADDRESS: 'disabled:',
        ...environment,
      }),
    )
    processes.push(webkit)
    const address = `http://127.0.0.1:${port}`
    await webkit.until(async () => ((await fetch(`${address}/status`)).ok ? true : null), 'it does not answer')
    return await WebKit.open(address, end)
  } catch (error) {
    await end()
    throw error
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

class WebKit implements Browser {
  /** WebDriver does not tell of any. */
  readonly complaints: readonly string[] = []

  private constructor(
    private readonly session: string,
    private readonly end: () => Promise<void>,
  ) {}

  static async open(address: string, end: () => Promise<void>): Promise<WebKit> {
    const capabilities = { alwaysMatch: { timeouts: { script: 120_000, pageLoad: 60_000 } } }
    const { sessionId } = await command<{ sessionId: string }>('POST', `${address}/session`, { capabilities })
    const webkit = new WebKit(`${address}/session/${sessionId}`, end)
    await webkit.post('window/rect', { x: 0, y: 0, width: 1400, height: 1000 })
    return webkit
  }

  async goto(url: string): Promise<void> {
    await this.post('url', { url })
  }

  async reload(): Promise<void> {
    await this.post('refresh', {})
  }

  async evaluate<Given extends readonly unknown[], T>(
    work: (...given: Given) => T | Promise<T>,
    ...given: Given
  ): Promise<T> {
    const script = `const done = arguments[arguments.length - 1]
      ;(${asynchronous(work)})(...Array.from(arguments).slice(0, -1)).then(
        (value) => done({ value }), (error) => done({ failure: String(error) }))`
    const { value, failure } = await this.post<{ value?: T; failure?: string }>('execute/async', {
      script,
      args: given,
    })
    if (failure) throw new Error(failure)
    return value as T
  }

  async press(element: string): Promise<void> {
    const found = await this.find(element)
    const target = { [elementKey]: found }
    await this.post('execute/sync', {
      script: `globalThis.hasHeard = false
        arguments[0].addEventListener('click', () => { globalThis.hasHeard = true }, { once: true })`,
      args: [target],
    })
    // On a busy machine the driver may say that it has clicked, and the page has heard nothing of it.
    await until(async () => {
      await this.post(`element/${found}/click`, {})
      for (let i = 0; i < 30; i++) {
        if (await this.post<boolean>('execute/sync', { script: 'return globalThis.hasHeard', args: [] })) return true
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      return null
    }, `a click on ${element}`)
  }

  async fill(element: string, text: string): Promise<void> {
    // WebDriver's own clearing tells the page of a change, not of an input: drawn anew meanwhile, the page brings back what was.
    const script = 'arguments[0].focus(); arguments[0].select()'
    await this.post('execute/sync', { script, args: [{ [elementKey]: await this.find(element) }] })
    const keys = Array.from(text).flatMap((value) => [
      { type: 'keyDown', value },
      { type: 'keyUp', value },
    ])
    await this.post('actions', { actions: [{ type: 'key', id: 'key', actions: keys }] })
  }

  async screenshot(): Promise<Uint8Array> {
    return Buffer.from(await command<string>('GET', `${this.session}/screenshot`), 'base64')
  }

  async close(): Promise<void> {
    await command('DELETE', this.session).catch(() => {})
    await this.end()
  }

  private find(value: string): Promise<string> {
    return until(async () => {
      const [found] = await this.post<Record<string, string>[]>('elements', { using: 'xpath', value })
      return found ? found[elementKey] : null
    }, value)
  }

  private post<T>(path: string, body: object): Promise<T> {
    return command('POST', `${this.session}/${path}`, body)
  }
}

/** @throws Error with what WebDriver says */
async function command<T>(method: string, address: string, body?: object): Promise<T> {
  const response = await fetch(address, { method, ...(body && { body: JSON.stringify(body) }) })
  const { value } = (await response.json()) as { value: T & { error?: string; message?: string } }
  if (!response.ok) throw new Error(`${address}: ${value.error}: ${value.message}`)
  return value
}
