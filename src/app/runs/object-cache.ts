import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomically } from '../../engine/platform/atomic-write.ts'
import { cacheFolder } from '../../engine/platform/cache-folder.ts'

/**
 * Objects of buckets, kept in a folder that all workers of a machine share: what one fetched the others need not. Each file begins with
 * the SHA-256 of what follows, which is compared whenever it is read. What was used longest ago goes first when they take up too much.
 */
export class ObjectCache {
  /** Bytes that were added since the folder was looked at. */
  private added = Number.POSITIVE_INFINITY

  /** @param limit in bytes; what is larger is not kept */
  constructor(
    private readonly limit: number,
    private readonly folder = join(cacheFolder(), 'objects'),
  ) {}

  /** @param name tells an object, and its content, from all others */
  async get(name: string, fetch: () => Promise<Uint8Array | null>): Promise<Uint8Array | null> {
    const path = join(this.folder, createHash('sha256').update(name).digest('hex'))
    const kept = await verified(path)
    if (kept) {
      const now = new Date()
      await utimes(path, now, now).catch(() => {})
      return kept
    }
    const content = await fetch()
    if (content && content.length + digestBytes <= this.limit) await this.keep(path, content)
    return content
  }

  /** A cache that can't be written costs time, and nothing else. */
  private async keep(path: string, content: Uint8Array): Promise<void> {
    try {
      await writeFileAtomically(path, Buffer.concat([digestOf(content), content]))
      this.added += content.length
      // Others write there, too: the folder is looked at anew after each twentieth of what it may hold.
      if (this.added > this.limit / 20) await this.makeRoom()
    } catch {}
  }

  private async makeRoom(): Promise<void> {
    this.added = 0
    const names = await readdir(this.folder)
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(this.folder, name)
        const found = await stat(path).catch(() => null)
        return { path, size: found?.size ?? 0, used: found?.mtimeMs ?? 0 }
      }),
    )
    let total = files.reduce((sum, { size }) => sum + size, 0)
    for (const { path, size } of files.sort((a, b) => a.used - b.used)) {
      if (total <= this.limit) return
      await rm(path, { force: true })
      total -= size
    }
  }
}

const digestBytes = 32

function digestOf(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest()
}

/** null for what is not there, or damaged. */
async function verified(path: string): Promise<Uint8Array | null> {
  const file = await readFile(path).catch(() => null)
  if (!file) return null
  const content = file.subarray(digestBytes)
  return digestOf(content).equals(file.subarray(0, digestBytes)) ? content : null
}
