import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { afterAll, describe, it } from 'vitest'

/** A real Redis, or Valkey, of the test's own, at a free port of this machine. */

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export const hasRedis = isInstalled('redis-server')
export const hasValkey = isInstalled('valkey-server')

/** Skipped where Debian's redis-server is not installed; where the whole check runs it must be. */
export function describeWithRedis(name: string, tests: () => void): void {
  if (hasRedis || process.env.CI) describe(name, tests)
  else it.skip(`${name} (skipped: redis-server is not installed)`, () => {})
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Paths of PEM files. */
export interface Certificate {
  readonly file: string
  readonly key: string
  /** The certificate of who signed it. */
  readonly authority: string
}

/** A certificate of 127.0.0.1 and localhost, or of another, by an authority that nobody knows, made by openssl in the folder. */
export function madeCertificate(folder: string, names = 'DNS:localhost,IP:127.0.0.1'): Certificate {
  const [authority, authorityKey, file, key] = ['ca.pem', 'ca.key', 'server.pem', 'server.key'].map((name) =>
    join(folder, name),
  )
  const made = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  made('req', '-x509', ...newKey, '-keyout', authorityKey, '-out', authority, '-days', '2', '-subj', '/CN=Nobody')
  made('req', ...newKey, '-keyout', key, '-out', 'server.csr', '-subj', '/CN=queue')
  writeFileSync(join(folder, 'names.cnf'), `subjectAltName=${names}\n`)
  const signed = ['-CA', authority, '-CAkey', authorityKey, '-CAcreateserial', '-extfile', 'names.cnf']
  made('x509', '-req', '-in', 'server.csr', ...signed, '-out', file, '-days', '2')
  return { file, key, authority }
}

export class RedisServer {
  private child: ChildProcess | undefined
  private readonly folder = mkdtempSync(join(tmpdir(), 'limelight-redis-'))

  private constructor(
    private readonly program: string,
    readonly port: number,
    private readonly password: string | undefined,
    private readonly certificate: Certificate | undefined,
  ) {}

  /** @param certificate with which the server speaks TLS, and nothing else */
  static async start({
    program = 'redis-server',
    password,
    certificate,
  }: {
    program?: string
    password?: string
    certificate?: Certificate
  } = {}) {
    const server = new RedisServer(program, await freePort(), password, certificate)
    await server.start()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const { certificate, port } = this
    const words = [
      ...(certificate
        ? [
            '--port',
            '0',
            '--tls-port',
            `${port}`,
            '--tls-auth-clients',
            'no',
            '--tls-ca-cert-file',
            certificate.authority,
          ]
        : ['--port', `${port}`]),
      ...(certificate ? ['--tls-cert-file', certificate.file, '--tls-key-file', certificate.key] : []),
      '--bind',
      '127.0.0.1',
      '--dir',
      this.folder,
      '--save',
      '',
      '--appendonly',
      'yes',
    ]
    const child = spawn(this.program, [...words, ...(this.password ? ['--requirepass', this.password] : [])], {
      stdio: 'ignore',
    })
    this.child = child
    for (;;) {
      if (child.exitCode !== null) throw new Error(`${this.program} ended with ${child.exitCode}`)
      const socket = connect(this.port, '127.0.0.1')
      const isUp = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ]).catch(() => false)
      socket.destroy()
      if (isUp) return
      await after(20)
    }
  }

  /** As a machine's power cut: what is in its log of appends stays. */
  async kill(): Promise<void> {
    const { child } = this
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  /** Killed, and started with nothing in it. */
  async lose(): Promise<void> {
    await this.kill()
    rmSync(join(this.folder, 'appendonlydir'), { recursive: true, force: true })
    await this.start()
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** What the tests of the block that asks use, and no longer. */
export function closedAfterwards<T extends { close(): Promise<void> }>(server: T): T {
  afterAll(() => server.close())
  return server
}
