import { FormatError, LimelightError } from '../../../engine/errors.ts'
import type { DataFile } from '../../tasks/fashion-mnist/files.ts'

/** A data file as the site's server sends it: large enough to show how far it is, and to be waited for in vain. */

/** Bytes. `total` is null where the server names none. */
export interface DownloadProgress {
  readonly received: number
  readonly total: number | null
}

export interface DataDownloadOptions {
  readonly signal?: AbortSignal
  /** Told at the start and of every part that comes. */
  readonly onProgress?: (progress: DownloadProgress) => void
  /** A server that sends nothing for so many milliseconds is given up; default 30,000. */
  readonly stallMs?: number
}

/**
 * Fetches a file into memory. Nothing is verified but its size: at most that of the unpacked content.
 * @throws LimelightError, its message a clause such as "the server answers 404", when the server does not answer, has no such
 * file, sends a web page in its place, or stops sending
 * @throws FormatError when it sends more than the file has
 * @throws the signal's reason when aborted
 */
export async function downloadDataFile(
  address: string,
  file: DataFile,
  { signal, onProgress, stallMs = 30_000 }: DataDownloadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  signal?.throwIfAborted()
  const request = new AbortController()
  const abort = () => request.abort(signal?.reason)
  signal?.addEventListener('abort', abort)
  const giveUp = () => request.abort(new LimelightError(`nothing came for ${stallMs / 1000} seconds`))
  let timer = setTimeout(giveUp, stallMs)
  try {
    // Not into the browser's own cache as well: what is verified is kept by the page.
    const response = await fetch(address, { signal: request.signal, cache: 'no-store' })
    const refusal = refusalOf(response)
    if (refusal) {
      request.abort()
      throw new LimelightError(refusal)
    }
    const total = lengthOf(response, file)
    const parts: Uint8Array<ArrayBuffer>[] = []
    let received = 0
    onProgress?.({ received, total })
    const reader = response.body?.getReader()
    for (;;) {
      const part = await reader?.read()
      if (!part || part.done) break
      clearTimeout(timer)
      timer = setTimeout(giveUp, stallMs)
      received += part.value.byteLength
      if (received > file.bytes) {
        request.abort()
        throw new FormatError(`more than the ${file.bytes} bytes come that ${file.name} has even when unpacked`)
      }
      parts.push(part.value)
      onProgress?.({ received, total })
    }
    const bytes = new Uint8Array(received)
    let position = 0
    for (const part of parts) {
      bytes.set(part, position)
      position += part.byteLength
    }
    return bytes
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    // What fetch throws by itself says "Failed to fetch" or "network error", whatever the cause.
    if (error instanceof TypeError)
      throw new LimelightError('the server does not answer, or breaks off', { cause: error })
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** Why a response has no data file in it; null when it may have. */
function refusalOf({ ok, status, headers }: Response): string | null {
  if (!ok) return `the server answers ${status}`
  // Hosts of single-page sites answer so to every address they don't know.
  return headers.get('content-type')?.includes('text/html') ? 'the server sends a web page in its place' : null
}

/** How many bytes will come. With a content encoding, the length named is that of bytes which fetch does not show. */
function lengthOf({ headers }: Response, file: DataFile): number | null {
  if (headers.has('content-encoding')) return file.bytes
  return Number(headers.get('content-length')) || null
}
