import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Plugin } from 'vite'
import { type ModelStoreOptions, modelFromCatalogue } from '../src/app/catalogue/model-store.ts'
import {
  type PageNetwork,
  type PageNetworks,
  pageNetworksFolder,
  pageNetworksIndex,
} from '../src/app/catalogue/page-networks.ts'
import { LimelightError } from '../src/engine/errors.ts'

/**
 * Puts networks of the catalogue beside the page: LIMELIGHT_PAGE_NETWORKS names those that are wanted, with commas between them.
 * They are found, downloaded and verified as `limelight models get` does it. Unless some are named there is an empty index
 * alone: a site stays small.
 */

/** What LIMELIGHT_PAGE_NETWORKS holds, as names. */
export function chosenNetworks(text = ''): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/**
 * A Vite plugin. A build has the index and the networks' files in its `networks/`, and fails where one can't be had: somebody
 * asked for it. The development server looks for them when the page asks; what can't be had is answered with 404 and the reason.
 */
export function pageNetworks(names: readonly string[], store: ModelStoreOptions = {}): Plugin {
  let found: Promise<readonly SiteFile[]> | null = null
  /** Once found they stay; what is not found is looked for again. */
  const find = () => {
    found ??= findFiles(names, store).catch((error) => {
      found = null
      throw error
    })
    return found
  }
  return {
    name: 'page-networks',
    configureServer({ middlewares, config }) {
      middlewares.use((request, response, next) => {
        const { pathname } = new URL(request.url ?? '', 'http://localhost')
        if (!pathname.startsWith(`${config.base}${pageNetworksFolder}`)) return next()
        const refuse = (why: string) =>
          response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${why}\n`)
        find()
          .then((files) => {
            const content = files.find(({ path }) => pathname === `${config.base}${path}`)?.content
            if (!content) return refuse('no such network')
            const type = pathname.endsWith('.json') ? 'application/json' : 'application/octet-stream'
            response.setHeader('Content-Type', type).setHeader('Content-Length', content.byteLength).end(content)
          })
          .catch((error) => {
            if (!(error instanceof LimelightError)) return next(error)
            config.logger.error(whyNone(error))
            refuse(error.message)
          })
      })
    },
    async generateBundle() {
      try {
        for (const { path, content } of await find()) this.emitFile({ type: 'asset', fileName: path, source: content })
      } catch (error) {
        if (!(error instanceof LimelightError)) throw error
        this.error(whyNone(error))
      }
    },
  }
}

function whyNone({ message }: LimelightError): string {
  return `LIMELIGHT_PAGE_NETWORKS: ${message}`
}

/** A file of the site, by its path below the page's address. */
interface SiteFile {
  readonly path: string
  readonly content: Uint8Array
}

/** The index, then the networks' files. @throws ArgumentError for a name that there is not, LimelightError */
async function findFiles(names: readonly string[], store: ModelStoreOptions): Promise<readonly SiteFile[]> {
  const networks: PageNetwork[] = []
  const files: SiteFile[] = []
  // One after the other: networks share files, which are downloaded once.
  for (const name of new Set(names)) {
    const { entry, model, images } = await modelFromCatalogue(name, store)
    const { title, what, licence, home } = entry
    const path = `${name}/${basename(model)}`
    const { bytes, sha256 } = entry.model
    networks.push({ name, title, what, licence, home, files: [{ path, bytes, sha256 }], images })
    files.push({ path: `${pageNetworksFolder}${path}`, content: await readFile(model) })
  }
  const index = new TextEncoder().encode(JSON.stringify({ networks } satisfies PageNetworks))
  return [{ path: `${pageNetworksFolder}${pageNetworksIndex}`, content: index }, ...files]
}
