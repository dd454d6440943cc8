import { FormatError, LimelightError } from '../../../../engine/errors.ts'
import type { StatedImages } from '../../../../engine/formats/opened-model.ts'
import { catalogue } from '../../../catalogue/known-networks.ts'
import { type PageNetworks, pageNetworksFolder, pageNetworksIndex } from '../../../catalogue/page-networks.ts'
import { parseClassNames } from '../../../tasks/class-names.ts'
import type { Fetched, NetworkOffer } from '../../contract/photograph-api.ts'
import { type DownloadProgress, downloadDataFile } from '../data-download.ts'
import { keep, kept } from '../kept.ts'
import { sha256 } from './sha256.ts'

/**
 * Networks that people know, in a browser: those that lie beside the page, and the catalogue's others from their authors.
 * Wherever a file comes from, SHA-256 decides, and the browser keeps it.
 */

interface KnownFile {
  readonly name: string
  readonly address: string
  readonly sha256: string
  readonly bytes: number
}

interface KnownNetwork {
  readonly title: string
  readonly what: string
  readonly licence: string
  readonly home: string
  readonly model: KnownFile
  readonly labels?: KnownFile & { readonly skip?: number }
  readonly images: StatedImages
  readonly isOnSite: boolean
}

export interface FetchOptions {
  readonly signal: AbortSignal
  readonly onFetched: (fetched: Fetched) => void
}

export class KnownNetworks {
  private listed: Promise<ReadonlyMap<string, KnownNetwork>> | null = null

  /** @param base the page's own address: files lie beside the page, not beside a Worker's script */
  constructor(private readonly base: string) {}

  async offers(): Promise<NetworkOffer[]> {
    const all = Array.from(await this.all(), async ([id, { title, what, licence, home, model, isOnSite }]) => {
      const isHere = (await keptFile(model)) !== null
      return {
        id,
        title,
        about: { what, licence, home, server: new URL(model.address).hostname },
        bytes: model.bytes,
        place: isHere ? ('here' as const) : isOnSite ? ('site' as const) : ('elsewhere' as const),
      }
    })
    return Promise.all(all)
  }

  /**
   * A network's file, and what is known of its pictures; null for a name that there is not.
   * @throws LimelightError when it can't be had, or is another file
   * @throws the signal's reason when aborted
   */
  async fetch(id: string, { signal, onFetched }: FetchOptions) {
    const known = (await this.all()).get(id)
    if (!known) return null
    const { title, model, labels, images } = known
    const names = labels && new TextDecoder().decode(await fileOf(labels, signal))
    const bytes = await fileOf(model, signal, ({ received }) => onFetched({ received, total: model.bytes }))
    signal.throwIfAborted()
    const classNames = names && { value: parseClassNames(names).slice(labels?.skip), source: 'the catalogue' }
    return { title, bytes, images: { ...images, ...(classNames && { classNames }) } }
  }

  private all(): Promise<ReadonlyMap<string, KnownNetwork>> {
    this.listed ??= this.list()
    return this.listed
  }

  private async list(): Promise<ReadonlyMap<string, KnownNetwork>> {
    const known = new Map<string, KnownNetwork>()
    const folder = new URL(pageNetworksFolder, this.base)
    for (const { name, files, ...network } of (await this.index(folder)).networks) {
      const [{ path, ...file }] = files
      known.set(name, {
        ...network,
        model: { name: path, address: new URL(path, folder).href, ...file },
        isOnSite: true,
      })
    }
    for (const [name, entry] of Object.entries(catalogue))
      if (!known.has(name)) known.set(name, { ...entry, isOnSite: false })
    return known
  }

  /** A site without networks beside it, or without a connection to them, is no error. */
  private async index(folder: URL): Promise<PageNetworks> {
    try {
      const response = await fetch(new URL(pageNetworksIndex, folder))
      if (response.ok) return (await response.json()) as PageNetworks
    } catch {}
    return { networks: [] }
  }
}

async function keptFile({ sha256, bytes }: KnownFile): Promise<Uint8Array<ArrayBuffer> | null> {
  const there = await kept(`catalogue/${sha256}`)
  return there?.byteLength === bytes ? there : null
}

async function fileOf(
  file: KnownFile,
  signal: AbortSignal,
  onProgress?: (progress: DownloadProgress) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const there = await keptFile(file)
  if (there) return there
  try {
    const bytes = await downloadDataFile(file.address, file, { signal, onProgress })
    const digest = await sha256(bytes)
    if (digest !== file.sha256)
      throw new FormatError(`what came is not the original: SHA-256 ${digest}, expected ${file.sha256}`)
    await keep(`catalogue/${file.sha256}`, bytes)
    return bytes
  } catch (error) {
    if (!(error instanceof LimelightError)) throw error
    throw new LimelightError(
      `${file.name} can't be had from ${new URL(file.address).hostname}: ${error.message}. If you have the file, open it instead`,
      { cause: error },
    )
  }
}
