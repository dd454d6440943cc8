import { FormatError, LimelightError } from '../../engine/errors.ts'

/** Files from the web, in Node. Whoever asks verifies them: what comes is nothing but bytes. */

/** What a download says of itself. `received` and `total` are bytes; `total` is undefined where the server names none. */
export interface DownloadProgress {
  readonly file: string
  readonly received: number
  readonly total: number | undefined
}

export interface DownloadOptions {
  /** A server that sends nothing for so many milliseconds is given up; default 30,000. */
  readonly stallMs?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: DownloadProgress) => void
}

/** What a download that was broken off left: the rest is asked for, and what comes is handed on as it comes. */
export interface Resumption {
  /** Bytes that are there already. */
  readonly have: number
  /** The server sends all of it again: what is there does not count. */
  readonly onRestart: () => Promise<void>
  readonly onPart: (part: Uint8Array) => Promise<void>
}

/**
 * Downloads into memory.
 * @param most bytes; a server that sends more is cut off
 * @throws LimelightError when the server refuses or stalls, FormatError when it sends too much
 */
export async function download(
  address: string,
  file: string,
  most: number,
  options: DownloadOptions,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  const onPart = async (part: Uint8Array) => {
    parts.push(part)
  }
  await downloadParts(address, file, most, { have: 0, onRestart: async () => {}, onPart }, options)
  return Buffer.concat(parts)
}

/** As download(), but part by part, from where an earlier one was broken off. */
export async function downloadParts(
  address: string,
  file: string,
  most: number,
  { have, onRestart, onPart }: Resumption,
  { signal, onProgress, stallMs = 30_000 }: DownloadOptions,
): Promise<void> {
  signal?.throwIfAborted()
  const stall = new AbortController()
  const giveUp = () => stall.abort(new LimelightError(`nothing came for ${stallMs / 1000} seconds`))
  let timer = setTimeout(giveUp, stallMs)
  try {
    const response = await fetch(address, {
      signal: signal ? AbortSignal.any([signal, stall.signal]) : stall.signal,
      headers: have > 0 ? { range: `bytes=${have}-` } : {},
    })
    if (!response.ok || !response.body) {
      await response.body?.cancel()
      throw new LimelightError(`the server answers ${response.status} ${response.statusText}`.trimEnd())
    }
    const goesOn = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${have}-`)
    if (have > 0 && !goesOn) await onRestart()
    let received = goesOn ? have : 0
    // With a content encoding, the length is that of the encoded bytes, which fetch does not show.
    const length = response.headers.has('content-encoding')
      ? Number.NaN
      : Number(response.headers.get('content-length'))
    const total = length > 0 ? received + length : undefined
    onProgress?.({ file, received, total })
    for await (const part of response.body) {
      clearTimeout(timer)
      timer = setTimeout(giveUp, stallMs)
      received += part.byteLength
      if (received > most) throw new FormatError(`sends more than the ${most} bytes that ${file} has`)
      await onPart(part)
      onProgress?.({ file, received, total })
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Why something on disk or on the web was not to be had, in few words. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'ENOENT') return 'not there'
  // fetch says no more than "fetch failed" or "terminated"; the cause has the address, the certificate or the socket.
  const cause = error.cause
  if (error instanceof TypeError && cause instanceof Error) {
    const detail = cause.message || ('code' in cause ? String(cause.code) : '')
    return detail ? `${error.message} (${detail})` : error.message
  }
  return error.message
}
