import type { FileHandle } from 'node:fs/promises'
import { FormatError, LimelightError } from '../../engine/errors.ts'
import { FileWriteError, openToAppend } from '../../engine/platform/atomic-write.ts'

/**
 * A file of JSON lines that grows, one an image, each beginning with the name of the run that it is of. A kill in the middle
 * of a write leaves a part of a line, which is cut off when a run goes on; any other damage is refused, because what it
 * hides may be worth something.
 */

/** What lines are about, and what of them is kept in memory: there may be very many, and most of a line is not needed again. */
export interface LineKind<Line> {
  /** What is kept; null for a line that is about something else. */
  readonly read: (content: object) => Line | null
  /** The same for two lines of one image. */
  readonly keyOf: (line: Line) => string | number
}

/** No line that was written here is longer. */
const mostLineBytes = 1 << 26

const newline = 0x0a

export class ResultFile<Line> {
  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    /** Of all its lines: null where they name none, undefined where there are no lines. */
    readonly run: string | null | undefined,
    /** Each image's first. */
    readonly existing: readonly Line[],
    /** Bytes of whole lines. */
    private end: number,
    /** What follows them. */
    private readonly torn: Buffer,
  ) {}

  /**
   * Opens a file and reads its lines; makes it where there is none.
   * @throws FileWriteError when it can't be opened; FormatError for a line that is damaged, or of another run than those before
   */
  static async open<Line>(path: string, kind: LineKind<Line>): Promise<ResultFile<Line>> {
    const file = await openToAppend(path)
    try {
      let run: string | null | undefined
      const lines = new Map<string | number, Line>()
      let end = 0
      let count = 0
      let rest = Buffer.alloc(0)
      for await (const chunk of chunksOf(file, path)) {
        let bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
        for (let length = bytes.indexOf(newline); length >= 0; length = bytes.indexOf(newline)) {
          const place = `${path}: line ${++count}`
          const { line, run: own } = parseLine(bytes.subarray(0, length), kind, place)
          if (run !== undefined && own !== run)
            throw new FormatError(`${place} is of another run than the lines before it; take another folder`)
          run = own
          const key = kind.keyOf(line)
          if (!lines.has(key)) lines.set(key, line)
          end += length + 1
          bytes = bytes.subarray(length + 1)
        }
        rest = Buffer.from(bytes)
        if (rest.length > mostLineBytes) throw damaged(`${path}: line ${count + 1}`, 'it does not end')
      }
      return new ResultFile(path, file, run, [...lines.values()], end, rest)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /**
   * Before the first append: cuts off the part of a line of this run that a kill left.
   * @throws FormatError when it is something else
   */
  async cutTornLine(run: string): Promise<void> {
    if (this.torn.length === 0) return
    const beginning = Buffer.from(JSON.stringify({ run }).slice(0, -1))
    const known = Math.min(beginning.length, this.torn.length)
    if (!this.torn.subarray(0, known).equals(beginning.subarray(0, known)))
      throw damaged(this.path, 'its end is no part of a line of this run')
    await this.written(this.file.truncate(this.end))
  }

  /**
   * Whole or not at all, should the disk be full.
   * @throws FileWriteError; LimelightError when somebody else wrote into the file, or removed it
   */
  async append(run: string, value: object): Promise<void> {
    await this.checkAlone()
    const bytes = Buffer.from(`${JSON.stringify({ run, ...value })}\n`)
    try {
      let written = 0
      while (written < bytes.length) written += (await this.file.write(bytes, written)).bytesWritten
    } catch (error) {
      await this.file.truncate(this.end).catch(() => {})
      throw new FileWriteError(this.path, error)
    }
    this.end += bytes.length
  }

  /**
   * Notices those whom no lock keeps out, on file systems that have none, and after the last line, too.
   * @throws LimelightError
   */
  async checkAlone(): Promise<void> {
    const { size, nlink } = await this.written(this.file.stat())
    if (nlink === 0) throw new LimelightError(`${this.path} was removed while it was being written; start again`)
    if (size !== this.end)
      throw new LimelightError(
        `${this.path} was changed by another process while it was being written: let one of them end, then start again; no line of this run is lost`,
      )
  }

  close(): Promise<void> {
    return this.file.close()
  }

  private written<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      throw new FileWriteError(this.path, error)
    })
  }
}

async function* chunksOf(file: FileHandle, path: string): AsyncGenerator<Buffer> {
  try {
    for (let position = 0; ; ) {
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(1 << 20), position })
      if (bytesRead === 0) return
      position += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } catch (error) {
    throw error instanceof LimelightError ? error : new FileWriteError(path, error)
  }
}

function damaged(place: string, reason: string): FormatError {
  return new FormatError(`${place} is damaged: ${reason}; remove it and start again: what is missing is computed anew`)
}

function parseLine<Line>(bytes: Uint8Array, kind: LineKind<Line>, place: string): { line: Line; run: string | null } {
  let content: unknown
  try {
    content = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw damaged(place, error instanceof SyntaxError ? 'it is not JSON' : 'it is not UTF-8')
  }
  if (typeof content !== 'object' || content === null) throw damaged(place, 'it is not an explanation of an image')
  const run = 'run' in content ? content.run : null
  const line = kind.read(content)
  if (line === null || (run !== null && typeof run !== 'string'))
    throw damaged(place, 'it is not an explanation of an image')
  return { line, run }
}
