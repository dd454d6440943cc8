import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Plugin } from 'vite'
import { splitFiles } from '../src/app/tasks/fashion-mnist/files.ts'
import { type Located, locateSplit, type StoreOptions } from '../src/app/tasks/fashion-mnist/store.ts'
import { LimelightError } from '../src/engine/errors.ts'

/**
 * Gives the page Fashion-MNIST's two training files from its own origin: 26 MB that are not in the repository. They are found
 * and verified as the command does it (../src/app/tasks/fashion-mnist/store.ts), which may download. So the development server looks for them when
 * the page asks, never before, and a build without them is whole: the page then trains on its built-in subset.
 */

/** Below the page's own address; page/worker/training-data.ts asks there. */
const folder = 'data/'

/** A file as it is sent: gzipped, its content verified. */
interface PackedFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/**
 * A Vite plugin. The development server answers `data/train-…-ubyte.gz` with the verified file, or with 404 and the reason; a
 * build has both files in its `data/`, or prints a warning.
 */
export function trainingFiles(options: StoreOptions = {}): Plugin {
  let found: Promise<readonly PackedFile[]> | null = null
  /** Once found they stay; what is not found is looked for again. */
  const find = () => {
    found ??= findFiles(options).catch((error) => {
      found = null
      throw error
    })
    return found
  }
  return {
    name: 'training-files',
    configureServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        const { pathname } = new URL(request.url ?? '', 'http://localhost')
        const isAsked = ({ name }: { name: string }) => pathname.endsWith(`/${folder}${name}`)
        if (!Object.values(splitFiles.train).some((file) => typeof file === 'object' && isAsked(file))) return next()
        find()
          .then((files) => {
            const bytes = files.find(isAsked)?.bytes
            // No content encoding: the file itself is gzip, and its length tells how far a download is.
            response.setHeader('Content-Type', 'application/gzip').setHeader('Content-Length', bytes?.byteLength ?? 0)
            response.end(bytes)
          })
          .catch((error) => {
            if (!(error instanceof LimelightError)) return next(error)
            response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${error.message}\n`)
          })
      })
    },
    async generateBundle() {
      try {
        for (const { name, bytes } of await find())
          this.emitFile({ type: 'asset', fileName: `${folder}${name}`, source: bytes })
      } catch (error) {
        if (!(error instanceof LimelightError)) throw error
        this.warn(
          `no ${folder}: Fashion-MNIST's training files could not be had (\`npm run data\` says why); the page will train on ` +
            'the 4,000 images built into it',
        )
      }
    },
  }
}

async function findFiles(options: StoreOptions): Promise<readonly PackedFile[]> {
  const located = await locateSplit('train', options)
  return Promise.all(located.map(async (file) => ({ name: file.name, bytes: await packed(file) })))
}

/** As it lies on disk. A download may not have been kept, so it is packed again. */
function packed({ source, location, content }: Located): Promise<Uint8Array> {
  return source === 'download' ? promisify(gzip)(content) : readFile(location)
}
