import WebSocket from 'ws'
import { asynchronous, type Browser, findProgram, until } from './browser.ts'
import { GuardedProcess } from './guarded-process.ts'

/** Firefox without a window, by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/). */

/** @throws Error when Firefox is missing or does not start */
export async function openFirefox(): Promise<Browser> {
  const install = 'On Debian: apt-get install firefox-esr'
  const program = findProgram('FIREFOX_PATH', ['/usr/bin/firefox-esr', '/usr/bin/firefox'], install)
  const firefox = await GuardedProcess.start(
    program,
    (folder) => ['--headless', '--no-remote', '--profile', folder, '--remote-debugging-port=0'],
    (folder) => ({ HOME: folder, TMPDIR: folder, MOZ_CRASHREPORTER_DISABLE: '1' }),
  )
  try {
    const [, address] = await firefox.says(/WebDriver BiDi listening on (ws:\S+)/)
    return await Firefox.open(`${address}/session`, () => firefox.end())
  } catch (error) {
    await firefox.end()
    throw error
  }
}

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly level?: string; readonly text?: string }
  readonly result?: unknown
  readonly error?: string
  readonly message?: string
}

type ScriptResult =
  | { readonly type: 'success'; readonly result: { readonly value?: string } }
  | { readonly type: 'exception'; readonly exceptionDetails: { readonly text: string } }

class Firefox implements Browser {
  readonly complaints: string[] = []
  private readonly asked = new Map<number, (answer: Answer) => void>()
  private nextId = 1
  private context = ''

  private constructor(
    private readonly socket: WebSocket,
    private readonly end: () => Promise<void>,
  ) {
    socket.on('message', (text) => this.hear(JSON.parse(String(text)) as Answer))
    socket.on('close', () => {
      for (const answer of this.asked.values()) answer({ error: 'Firefox is gone' })
    })
  }

  static async open(address: string, end: () => Promise<void>): Promise<Firefox> {
    const socket = new WebSocket(address, { maxPayload: 2 ** 28 })
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    const firefox = new Firefox(socket, end)
    await firefox.command('session.new', { capabilities: {} })
    await firefox.command('session.subscribe', { events: ['log.entryAdded'] })
    const { contexts } = await firefox.command<{ contexts: { context: string }[] }>('browsingContext.getTree', {})
    firefox.context = contexts[0].context
    await firefox.inPage('browsingContext.setViewport', { viewport: { width: 1400, height: 900 } })
    return firefox
  }

  async goto(url: string): Promise<void> {
    await this.inPage('browsingContext.navigate', { url, wait: 'complete' })
  }

  async reload(): Promise<void> {
    await this.inPage('browsingContext.reload', { wait: 'complete' })
  }

  async evaluate<Given extends readonly unknown[], T>(
    work: (...given: Given) => T | Promise<T>,
    ...given: Given
  ): Promise<T> {
    const call = `async () => JSON.stringify(await (${asynchronous(work)})(...${JSON.stringify(given)}))`
    const { value } = await this.script(call)
    return (value === undefined ? undefined : JSON.parse(value)) as T
  }

  async press(element: string): Promise<void> {
    const sharedId = await this.find(element)
    await this.script('(element) => element.scrollIntoView({ block: "center", behavior: "instant" })', [{ sharedId }])
    const origin = { type: 'element', element: { sharedId } }
    await this.act('pointer', [
      { type: 'pointerMove', x: 0, y: 0, origin },
      { type: 'pointerDown', button: 0 },
      { type: 'pointerUp', button: 0 },
    ])
  }

  async fill(element: string, text: string): Promise<void> {
    await this.press(element)
    await this.script('(element) => element.select()', [{ sharedId: await this.find(element) }])
    const keys = Array.from(text).flatMap((value) => [
      { type: 'keyDown', value },
      { type: 'keyUp', value },
    ])
    await this.act('key', keys)
  }

  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.inPage<{ data: string }>('browsingContext.captureScreenshot', {})
    return Buffer.from(data, 'base64')
  }

  async close(): Promise<void> {
    this.socket.close()
    await this.end()
  }

  private find(value: string): Promise<string> {
    return until(async () => {
      const locator = { type: 'xpath', value }
      const { nodes } = await this.inPage<{ nodes: { sharedId: string }[] }>('browsingContext.locateNodes', { locator })
      return nodes[0]?.sharedId ?? null
    }, value)
  }

  private act(type: 'pointer' | 'key', actions: readonly object[]): Promise<unknown> {
    return this.inPage('input.performActions', { actions: [{ type, id: type, actions }] })
  }

  private async script(functionDeclaration: string, given: readonly object[] = []): Promise<{ value?: string }> {
    const answer = await this.command<ScriptResult>('script.callFunction', {
      functionDeclaration,
      arguments: given,
      awaitPromise: true,
      target: { context: this.context },
    })
    if (answer.type === 'exception') throw new Error(answer.exceptionDetails.text)
    return answer.result
  }

  private inPage<T>(method: string, params: object): Promise<T> {
    return this.command(method, { context: this.context, ...params })
  }

  /** @throws Error with what Firefox says */
  private command<T>(method: string, params: object): Promise<T> {
    const id = this.nextId++
    return new Promise((resolve, reject) => {
      this.asked.set(id, ({ error, message, result }) => {
        this.asked.delete(id)
        if (error) reject(new Error(`${method}: ${error}: ${message ?? ''}`))
        else resolve(result as T)
      })
      this.socket.send(JSON.stringify({ id, method, params }))
    })
  }

  private hear(answer: Answer): void {
    if (answer.id !== undefined) this.asked.get(answer.id)?.(answer)
    else if (answer.method === 'log.entryAdded' && ['error', 'warn'].includes(answer.params?.level ?? '')) {
      const text = answer.params?.text ?? ''
      // Of a load that the next visit cut off, Firefox names no address; of one that the page needs it does.
      if (!text.startsWith('Failed to load ‘’.')) this.complaints.push(text)
    }
  }
}
