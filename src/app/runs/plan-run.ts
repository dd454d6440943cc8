import { ArgumentError, LimelightError } from '../../engine/errors.ts'
import { explanationRequest } from '../../lime/index.ts'
import { differences } from '../batch/run-settings.ts'
import { packageVersion } from '../data/package-files.ts'
import { photographRequest } from '../photographs/photograph-request.ts'
import { loadFashionMnist } from '../tasks/fashion-mnist/store.ts'
import { isBucketAddress } from './bucket-address.ts'
import { findImages, writtenList } from './image-list.ts'
import { ObjectCache } from './object-cache.ts'
import { openStore } from './open-store.ts'
import {
  hashOfRun,
  type ImageList,
  type PlannedRun,
  plannedRunName,
  plannedRunText,
  readPlannedRun,
  settingsOfRun,
  shardsOf,
} from './planned-run.ts'
import type { Run, RunDevice } from './run.ts'
import { usualShard } from './run-file.ts'
import { missingLabel, type RunNetwork, readRunNetwork } from './run-network.ts'
import { contentOf, type Store } from './store.ts'

/** What planning a run came to. */
export interface Planning {
  readonly run: PlannedRun
  readonly hash: string
  readonly shardCount: number
  /** Whether this call planned it, or it was there already. */
  readonly planned: 'now' | 'before'
}

interface PlanOptions {
  /** Bytes that files from buckets may take in the cache. */
  readonly cacheBytes?: number
}

/** In bytes. */
export const usualCache = 8 * 2 ** 30

/**
 * Plans a run: reads its model, finds its images, and publishes both, as far as computing shards needs them, in its output. A run that is
 * planned already is found again.
 * @param run as runFrom gives it
 * @throws ArgumentError for what the run says wrongly, such as a label of no class, and where its output is another run's, with what differs; LimelightError where
 *   the model or the images can't be had
 */
export async function planRun(run: Run, { cacheBytes = usualCache }: PlanOptions = {}): Promise<Planning> {
  const cache = new ObjectCache(cacheBytes)
  const shardSize = run.shardSize ?? usualShard
  const isOfTestSet = run.images.source === 'test-set'
  const network = await readRunNetwork({ model: run.model, isOfTestSet }, cache)
  try {
    const missing = missingLabel(run.request, network)
    if (missing !== null) throw new ArgumentError(missing)
    const { list, content } = await listOf(run, shardSize)
    const planned = completeRun(run, network, list, shardSize)
    const store = await openStore(run.output)
    return await publishPlan(store, planned, content)
  } finally {
    network.model.dispose()
  }
}

async function listOf(
  { images }: Run,
  shardSize: number,
): Promise<{ readonly list: ImageList; readonly content?: Uint8Array }> {
  if (images.source !== 'test-set') return writtenList(await findImages(images), shardSize)
  const { first, end } = images
  const { count } = await loadFashionMnist('test')
  if (end > count)
    throw new ArgumentError(`images from test-set: end is ${end}, and the test set has the images 0 to ${count - 1}`)
  return { list: { kind: 'test-set', first, count: end - first } }
}

function completeRun(run: Run, network: RunNetwork, images: ImageList, shardSize: number): PlannedRun {
  const { request: given, model, device, format = 'parquet', output } = run
  const asksForLabels = given.labels !== undefined || given.topLabels !== undefined
  const asked = asksForLabels ? given : { ...given, topLabels: 1 }
  return {
    version: 1,
    program: packageVersion(),
    request: network.task ? photographRequest(asked, network.task) : explanationRequest(asked),
    labels: asksForLabels ? 'asked' : 'predicted-and-true',
    // Names that lie beside a model's file are no part of its digest.
    model: {
      ...model,
      ...(network.task && network.classNames && { classNames: network.classNames }),
      sha256: network.digest,
    },
    images,
    shardSize,
    format,
    device: completeDevice(device),
    output,
  }
}

function completeDevice(device: RunDevice = { name: 'cpu' }): Required<RunDevice> {
  return { arithmetic: 'strict', convolution: 'auto', halfPrecision: false, ...device }
}

async function publishPlan(store: Store, run: PlannedRun, list: Uint8Array | undefined): Promise<Planning> {
  const hash = hashOfRun(run)
  const before = await checkSame(store, run)
  if (!before) {
    // First what run.json names: where it is, everything is.
    if (run.images.kind === 'list' && list) await store.publish(run.images.name, list)
    await store.publish(plannedRunName, Buffer.from(plannedRunText(run)))
    // Somebody may have been faster, with the same run or another.
    await checkSame(store, run)
  }
  await checkConditional(store)
  return { run, hash, shardCount: shardsOf(run), planned: before ? 'before' : 'now' }
}

/** @returns whether the output has a plan. @throws ArgumentError where that is another run's */
async function checkSame(store: Store, run: PlannedRun): Promise<boolean> {
  const content = await contentOf(store, plannedRunName)
  if (!content) return false
  const there = readPlannedRun(`${store.address}: ${plannedRunName}`, content)
  if (hashOfRun(there) === hashOfRun(run)) return true
  throw new ArgumentError(
    `${store.address} is of another run: ${differences(settingsOfRun(there), settingsOfRun(run))}; go on with what it was planned with, or take another output`,
  )
}

/**
 * Servers that do not know conditional writes write all the same, and two workers could then mix what they computed. The same bytes once
 * more do no harm, and show it: whenever a run is planned, for who asked first may have been cut off before.
 */
async function checkConditional(store: Store): Promise<void> {
  if (!isBucketAddress(store.address)) return
  const there = await contentOf(store, plannedRunName)
  if (there && (await store.publish(plannedRunName, there)))
    throw new LimelightError(
      `${store.address}: this server replaces what is there (it does not heed If-None-Match), so that results could be mixed; take a server that does, or a folder`,
    )
}
