import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.gz': 'application/gzip',
}

/** A file host as there are many: a folder, types, no other headers. */
export class FileHost {
  folder: string
  /** Served in place of the folder's files of these names. */
  readonly replaced = new Map<string, string>()
  /** Whether the host has the file of this name no longer. */
  isGone: (name: string) => boolean = () => false
  /** Files of these names are answered when their promise resolves. */
  readonly delayed = new Map<string, Promise<void>>()
  private readonly below: string
  private server: Server | null = null

  constructor(folder: string, below = '/') {
    this.folder = folder
    this.below = below
  }

  async open(): Promise<string> {
    this.server = createServer(async (request, response) => {
      const { pathname } = new URL(request.url ?? '', 'http://localhost')
      const name = pathname.slice(this.below.length) || 'index.html'
      await this.delayed.get(name)
      try {
        if (!pathname.startsWith(this.below)) throw new Error('outside')
        if (this.isGone(name)) throw new Error('gone')
        const content = await readFile(this.replaced.get(name) ?? join(this.folder, name))
        response.setHeader('Content-Type', types[extname(name)] ?? 'application/octet-stream').end(content)
      } catch {
        response.writeHead(404).end()
      }
    })
    await new Promise<void>((resolve) => this.server?.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${this.below}`
  }

  async close(): Promise<void> {
    this.server?.closeAllConnections()
    await new Promise((resolve) => (this.server?.listening ? this.server.close(resolve) : resolve(null)))
  }
}
