import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LimelightError } from '../../engine/errors.ts'

export interface MetricsServer {
  readonly port: number
  close(): void
}

/**
 * Serves /metrics to Prometheus, and /healthz to whoever asks whether the worker lives.
 * @param port 0 takes a free one
 * @param text the metrics as they are now
 * @throws LimelightError when the port can't be had
 */
export async function serveMetrics(port: number, text: () => Promise<string>): Promise<MetricsServer> {
  const server = createServer(async (request, response) => {
    const path = request.url?.split('?')[0]
    if (request.method !== 'GET' && request.method !== 'HEAD') response.writeHead(405).end()
    else if (path === '/healthz') response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n')
    else if (path === '/metrics')
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(await text())
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another program has it' : error.message
      reject(new LimelightError(`--metrics-port: the port ${port} can't be had: ${why}`, { cause: error }))
    })
    server.listen(port, resolve)
  })
  // Nobody who asks for metrics keeps a worker from ending.
  server.unref()
  const address = server.address() as AddressInfo
  return {
    port: address.port,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
