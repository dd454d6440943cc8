import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll } from 'vitest'

/**
 * A server of one bucket that speaks as much of S3 as is asked for here, and heeds If-None-Match as S3 does: none on npm or in Debian
 * does. Objects are in memory.
 */
export interface S3Server {
  readonly objects: Map<string, Buffer>
  /** false: it writes whatever the condition says, as older servers do. */
  heedsConditions: boolean
  /** Refuses all, as a bucket does whose policy says so. */
  refuses: boolean
  /** Refuses these keys, as S3 does those that are missing where whoever asks may not list. */
  readonly refused: Set<string>
  /** How many more of the objects that are asked for break off in their midst. */
  breaks: number
  /** Requests by method. */
  readonly counts: Map<string, number>
}

export const bucketName = 'results'

/** A server for the tests of the file that asks, which the SDK takes in place of Amazon's. */
export function useS3Server(): S3Server {
  const server: S3Server = {
    objects: new Map(),
    heedsConditions: true,
    refuses: false,
    refused: new Set(),
    breaks: 0,
    counts: new Map(),
  }
  const http = createServer((request, response) => {
    answer(server, request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })
  const before = { ...process.env }
  beforeAll(async () => {
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    process.env.AWS_ENDPOINT_URL_S3 = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    process.env.AWS_ACCESS_KEY_ID = 'key'
    process.env.AWS_SECRET_ACCESS_KEY = 'secret'
  })
  afterAll(() => {
    for (const name of ['AWS_ENDPOINT_URL_S3', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    http.closeAllConnections()
    http.close()
  })
  return server
}

async function answer(server: S3Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', headers } = request
  const address = new URL(request.url ?? '/', 'http://localhost')
  const [, bucket, ...rest] = decodeURIComponent(address.pathname).split('/')
  const key = rest.join('/')
  const body = await bodyOf(request)
  server.counts.set(method, (server.counts.get(method) ?? 0) + 1)
  if (server.refuses || server.refused.has(key)) return failure(response, 403, 'AccessDenied')
  if (bucket !== bucketName) return failure(response, 404, 'NoSuchBucket')
  if (method === 'PUT') {
    // Read and decided in one turn, so that of two at once one is first.
    if (server.heedsConditions && headers['if-none-match'] === '*' && server.objects.has(key))
      return failure(response, 412, 'PreconditionFailed')
    server.objects.set(key, headers['content-encoding']?.includes('aws-chunked') ? unchunked(body) : body)
    response.writeHead(200, { etag: tagOf(body) }).end()
    return
  }
  if (key === '') return list(server, address.searchParams, response)
  const object = server.objects.get(key)
  if (!object) return failure(response, 404, 'NoSuchKey')
  const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')
  const part = range ? object.subarray(Number(range[1]), Number(range[2]) + 1) : object
  response.writeHead(range ? 206 : 200, { 'content-length': part.length, etag: tagOf(object) })
  if (method === 'GET' && server.breaks > 0) {
    server.breaks--
    response.write(part.subarray(0, part.length / 2), () => response.destroy())
    return
  }
  response.end(method === 'HEAD' ? undefined : part)
}

const pageSize = 3

/** In pages of few, so that the client must ask again. */
function list({ objects }: S3Server, query: URLSearchParams, response: ServerResponse): void {
  const after = query.get('continuation-token') ?? ''
  const keys = [...objects.keys()].filter((key) => key.startsWith(query.get('prefix') ?? '') && key > after).sort()
  const page = keys.slice(0, pageSize)
  const contents = page.map(
    (key) => `<Contents><Key>${key}</Key><Size>${objects.get(key)?.length}</Size><ETag>x</ETag></Contents>`,
  )
  const more = keys.length > pageSize
  const token = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
  response.writeHead(200, { 'content-type': 'application/xml' })
  response.end(`<ListBucketResult><IsTruncated>${more}</IsTruncated>${token}${contents.join('')}</ListBucketResult>`)
}

function failure(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`)
}

function tagOf(content: Buffer): string {
  return `"${createHash('md5').update(content).digest('hex')}"`
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts)
}

/** What is in a body of chunks, each after a line of its size in hexadecimal. */
function unchunked(body: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.subarray(at, end).toString(), 16)
    if (!(size > 0)) return Buffer.concat(parts)
    parts.push(body.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}
