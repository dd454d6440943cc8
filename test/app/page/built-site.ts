import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { build, type PreviewServer, preview } from 'vite'
import { inject } from 'vitest'
import type { ImageSet } from '../../../src/app/data/image-set.ts'
import { tutorialArchitecture } from '../../../src/app/networks/tutorial.ts'
import { readSplit } from '../../../src/app/tasks/fashion-mnist/files.ts'
import { fashionMnist } from '../../../src/app/tasks/fashion-mnist/task.ts'
import { type Device, loadModel, type Model, openDevice } from '../../../src/engine/index.ts'

const {
  inputShape: [imageExtent],
} = fashionMnist

/** The page as it is built and served, beside the same model in Node: what every browser's tests of the page stand on. */

export const root = new URL('../../../', import.meta.url).pathname
export const quiet = { root: `${root}src/app/page`, configFile: `${root}vite.config.ts`, logLevel: 'error' } as const
const size = imageExtent * imageExtent

/**
 * The folder of the built site. The first that asks in a run builds it, in some eight seconds; everyone else reads the same files.
 * @throws whatever keeps the site from being built
 */
export async function builtSite(): Promise<string> {
  const site = join(inject('runFolder'), 'site')
  const unfinished = `${site}-unfinished`
  while (!existsSync(site)) {
    // Files of tests run side by side: the one that makes the folder builds.
    const isMine = await mkdir(unfinished).then(
      () => true,
      () => false,
    )
    if (!isMine) await setTimeout(100)
    else if (!existsSync(site)) {
      try {
        await build({ ...quiet, build: { outDir: unfinished, emptyOutDir: false } })
        await rename(unfinished, site)
      } catch (error) {
        await rm(unfinished, { recursive: true })
        throw error
      }
    }
  }
  return site
}

/** The built site and its server, the test images, and the model on the processor. */
export class BuiltSite {
  folder = ''
  address = ''
  private server: PreviewServer | null = null
  private set: ImageSet | null = null
  private network: Model | null = null
  private processor: Device | null = null

  get images(): ImageSet {
    return there(this.set)
  }
  get model(): Model {
    return there(this.network)
  }
  get device(): Device {
    return there(this.processor)
  }

  async start(): Promise<void> {
    this.folder = await builtSite()
    this.server = await preview({ ...quiet, build: { outDir: this.folder }, preview: { port: 0, open: false } })
    this.address = this.server.resolvedUrls?.local[0] ?? ''
    const data = `${root}src/app/data/fashion-mnist/`
    this.set = await readSplit(
      'test',
      await readFile(`${data}t10k-images-idx3-ubyte.gz`),
      await readFile(`${data}t10k-labels-idx1-ubyte.gz`),
    )
    this.network = await loadModel(`${root}models/fashion-cnn.safetensors`, { fallback: tutorialArchitecture(0) })
    this.processor = await openDevice('cpu')
    await this.network.compile({ device: this.processor })
  }

  async stop(): Promise<void> {
    this.network?.dispose()
    this.processor?.dispose()
    await this.closeServer()
  }

  /** From here on nothing answers at the address. */
  async closeServer(): Promise<void> {
    await this.server?.close()
    this.server = null
  }

  pixelsOf(index: number): Uint8Array {
    return this.images.images.slice(index * size, (index + 1) * size)
  }

  /** What the model says in Node. */
  async predicted(pixels: Uint8Array, model = this.model): Promise<number[]> {
    const { data } = await model.predict({ data: pixels, shape: [1, imageExtent, imageExtent, 1], scale: 1 / 255 })
    return Array.from(data)
  }
}

export function there<T>(value: T | null): T {
  if (value === null) throw new Error('the site is not started yet')
  return value
}
