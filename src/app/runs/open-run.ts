import { ArgumentError, FormatError, LimelightError } from '../../engine/errors.ts'
import { packageVersion } from '../data/package-files.ts'
import { ConflictError, computeAgain, ImageReadError, PlaceError, StoreError, UnusableRunError } from './errors.ts'
import { finishRun } from './finish-run.ts'
import { imagesOfShard } from './image-list.ts'
import { isUnmounted, noSuchFile } from './image-source.ts'
import { ObjectCache } from './object-cache.ts'
import { openStore } from './open-store.ts'
import type { ComputeOptions, OpenedRun, OpenRunOptions, RunSuccess, ShardOutcome } from './opened-run.ts'
import { usualCache } from './plan-run.ts'
import { hasEqualBits, hashOfRun, type PlannedRun, plannedRunName, readPlannedRun, shardsOf } from './planned-run.ts'
import type { ResultRow } from './result-row.ts'
import { contentOfRows } from './row-content.ts'
import { type ImageExplainer, openImageExplainer } from './run-images.ts'
import { formats } from './shard-file.ts'
import type { ShardFormat, ShardHeader } from './shard-format.ts'
import { shardFileName, shardFiles, shardOfFile } from './shard-name.ts'
import { contentOf, type Store } from './store.ts'

/**
 * Opens a planned run by its output: a folder, or s3://bucket/prefix. Its model is loaded by the first shard that is computed. Does not
 * listen to signals, and writes to nothing but the output and the cache: it works in a thread, too.
 * @throws LimelightError where there is no planned run, or one of another version of the program; StoreError
 */
export async function openRun(output: string, options: OpenRunOptions = {}): Promise<OpenedRun> {
  const store = await openStore(output)
  const content = await contentOf(store, plannedRunName)
  if (!content)
    throw new LimelightError(
      `${output} holds no ${plannedRunName}: plan the run first, with limelight batch plan RUN.json`,
    )
  const run = readPlannedRun(`${output}: ${plannedRunName}`, content)
  if (run.program !== packageVersion())
    throw new LimelightError(
      `${output} was planned with Limelight ${run.program}, and this is ${packageVersion()}: their numbers may differ; take that version, or another output`,
    )
  return new RunInStore(run, store, options)
}

class RunInStore implements OpenedRun {
  readonly hash: string
  readonly imageCount: number
  readonly shardCount: number
  private readonly format: ShardFormat
  private explainer: Promise<ImageExplainer> | undefined
  /** Calls of compute that are not at their end. */
  private computing = 0
  /** A device that was lost stays lost: what computed when something failed is opened anew. */
  private isSuspect = false

  constructor(
    readonly run: PlannedRun,
    private readonly store: Store,
    private readonly options: OpenRunOptions,
  ) {
    this.hash = hashOfRun(run)
    this.imageCount = run.images.count
    this.shardCount = shardsOf(run)
    this.format = formats[run.format]
  }

  async published(): Promise<ReadonlySet<number>> {
    const names = await this.store.list(shardFiles)
    return new Set(names.flatMap((name) => shardOfFile(name, this.names) ?? []))
  }

  async compute(shard: number, options: ComputeOptions = {}): Promise<ShardOutcome> {
    const { signal } = options
    this.computing++
    try {
      return await this.computed(shard, options)
    } catch (error) {
      if (!signal?.aborted || error !== signal.reason) this.isSuspect = true
      throw error
    } finally {
      this.computing--
      if (this.isSuspect && this.computing === 0) await this.close()
    }
  }

  private async computed(shard: number, { signal, onProgress }: ComputeOptions): Promise<ShardOutcome> {
    if (!Number.isSafeInteger(shard) || shard < 0 || shard >= this.shardCount)
      throw new ArgumentError(`there is no shard ${shard}: the run has the shards 0 to ${this.shardCount - 1}`)
    const started = performance.now()
    const name = shardFileName(shard, this.names)
    const there = await this.headerOf(shard)
    if (there) return outcomeOf(name, there, 'before', started)
    const images = await imagesOfShard(this.run.images, this.run.shardSize, shard, this.store)
    const { explain } = await this.explainers()
    const rows: ResultRow[] = []
    for (const [i, image] of images.entries()) {
      const own = await explain(image, signal)
      const { error } = own[0]
      if (error !== null) this.options.onNote?.(`${image.id}: ${error}`)
      for (const row of own) rows.push(row)
      onProgress?.({ shard, done: i + 1, total: images.length })
    }
    const errors = rows.filter(({ error }) => error !== null).length
    await this.checkErrorsDiffer(shard, rows, errors)
    const header = {
      run: this.hash,
      shard,
      images: images.length,
      rows: rows.length,
      errors,
      content: contentOfRows(rows),
    }
    const bytes = await this.format.encode(header, rows)
    signal?.throwIfAborted()
    const isOurs = await this.store.publish(name, bytes)
    if (!isOurs) await this.checkSame(header)
    return outcomeOf(name, header, isOurs ? 'now' : 'before', started)
  }

  finish(): Promise<RunSuccess> {
    const { store, hash, shardCount, imageCount, names } = this
    return finishRun({
      store,
      hash,
      imageCount,
      shardCount,
      published: () => this.published(),
      headerOf: async (shard) => {
        const header = await this.headerOf(shard)
        if (!header) throw new FormatError(`${store.address}: ${shardFileName(shard, names)} is gone`)
        return header
      },
    })
  }

  async close(): Promise<void> {
    const opened = this.explainer
    this.explainer = undefined
    this.isSuspect = false
    const explainer = await opened?.catch(() => undefined)
    explainer?.close()
  }

  /** One for all shards; opened anew after a failure, which may have been the network's. @throws PlaceError, UnusableRunError */
  private explainers(): Promise<ImageExplainer> {
    const { hash, options } = this
    const { threads, cacheBytes = usualCache } = options
    this.explainer ??= openImageExplainer(this.run, { hash, threads, cache: new ObjectCache(cacheBytes) }).catch(
      (cause: unknown) => {
        this.explainer = undefined
        throw cause instanceof UnusableRunError ? cause : new PlaceError(cause)
      },
    )
    return this.explainer
  }

  private get names() {
    return { hash: this.hash, shardCount: this.shardCount, format: this.run.format }
  }

  /** null where the shard is not published. */
  private async headerOf(shard: number): Promise<ShardHeader | null> {
    const name = shardFileName(shard, this.names)
    const place = `${this.store.address}: ${name}`
    const file = await this.store.open(name)
    if (!file) return null
    const header = await this.format.header(place, file).catch((cause: unknown) => {
      throw cause instanceof FormatError ? new FormatError(`${cause.message}: ${computeAgain}`, { cause }) : cause
    })
    if (header.run !== this.hash)
      throw new ConflictError(`${place} is of another run, ${header.run}, than its name says: ${computeAgain}`)
    if (header.shard !== shard)
      throw new ConflictError(`${place} is of another shard, ${header.shard}, than its name says: ${computeAgain}`)
    return header
  }

  /** Where bits are equal, whoever was faster published the same. */
  private async checkSame(own: ShardHeader): Promise<void> {
    const name = shardFileName(own.shard, this.names)
    const there = await this.headerOf(own.shard)
    if (!hasEqualBits(this.run) || there?.content === own.content) return
    throw new ConflictError(
      `${this.store.address}: ${name} was published with another content (${there?.content.slice(0, 16)}, computed here ${own.content.slice(0, 16)}): one of the two computed wrongly, or from other files; what was published first stays`,
    )
  }

  /**
   * What is wrong with all images of a shard alike is wrong with the network, with this machine or with the folder of the images, and must
   * not become a shard of errors.
   */
  private async checkErrorsDiffer(shard: number, rows: readonly ResultRow[], errors: number): Promise<void> {
    const [{ error }] = rows
    const said = new Set(rows.map(({ error, path }) => (path === null ? error : error?.replaceAll(path, ''))))
    if (errors < 2 || error === null || said.size > 1) return
    const { images } = this.run
    if (images.kind === 'list' && error === noSuchFile) {
      const none = `none of the ${errors} images of shard ${shard} is in ${images.root}: is it what was planned, and mounted here?`
      throw (await isUnmounted(images.root)) ? new StoreError(none) : new ImageReadError(none)
    }
    throw new LimelightError(
      `none of the ${errors} images of shard ${shard} can be explained, all for one reason: ${error}`,
    )
  }
}

function outcomeOf(
  name: string,
  { shard, images, rows, errors, content }: ShardHeader,
  published: ShardOutcome['published'],
  started: number,
): ShardOutcome {
  return { shard, name, published, images, rows, errors, content, seconds: (performance.now() - started) / 1000 }
}
