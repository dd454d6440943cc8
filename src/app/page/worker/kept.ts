import { createStore, del, get, set, type UseStore } from 'idb-keyval'
import type { StatedImages } from '../../../engine/formats/opened-model.ts'
import type { Checkpoint, EpochLog } from '../../../engine/index.ts'
import { within } from '../../../engine/platform/patience.ts'
import type { TrainingPoint, TrainingRecipe } from '../contract/engine-api.ts'
import type { PixelNumbers } from '../contract/pixel-numbers.ts'

/**
 * What the browser keeps between visits, in IndexedDB: the network that was trained or opened, a training under way, and for
 * photographs the networks that were downloaded or opened, and the last picture of one's own.
 */

/** A training that can go on. */
export interface KeptTraining {
  readonly recipe: TrainingRecipe
  readonly checkpoint: Checkpoint
  readonly log: readonly EpochLog[]
  readonly points: readonly TrainingPoint[]
}

/** Files of one network. */
export type NamedFiles = ReadonlyMap<string, Uint8Array>

/** A network for photographs from files of one's own. */
export interface KeptPhotographNetwork {
  readonly id: string
  readonly files: NamedFiles
  /** What people said of it. */
  readonly said: StatedImages
  readonly pixels?: PixelNumbers | null
}

export interface KeptPhotograph {
  readonly id: string
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

interface Kept {
  readonly training: KeptTraining
  /** A file, or several by their names. */
  readonly network: Uint8Array | NamedFiles
  /** The last few, the newest first. */
  readonly photographNetworks: readonly KeptPhotographNetwork[]
  readonly photograph: KeptPhotograph
  /** The catalogue's files by their names. */
  readonly [file: `catalogue/${string}`]: Uint8Array<ArrayBuffer>
}

let opened: UseStore | null = null

/** One connection, made when it is needed: where there is no IndexedDB this throws. */
function store(): UseStore {
  opened ??= createStore('limelight', 'kept')
  return opened
}

/** A network and a training are read and written in far less. */
const patienceMs = 10_000
const silence = "the browser's database does not answer"

/** Once it has not answered nothing is asked of it any more: the page opens and trains without rather than not at all. */
let isSilent = false

/** What the database says, or why it says nothing. */
async function answer<T>(
  ask: (kept: UseStore) => Promise<T>,
): Promise<{ readonly value: T } | { readonly why: string }> {
  const asked = async () => {
    try {
      return { value: await ask(store()) }
    } catch (error) {
      return { why: error instanceof Error ? error.message : String(error) }
    }
  }
  if (isSilent) return { why: silence }
  const answered = await within(patienceMs, asked(), null)
  isSilent = answered === null
  return answered ?? { why: silence }
}

/** @returns null where there is none, or where this browser keeps nothing (a private window, a full disk), or does not answer */
export async function kept<K extends keyof Kept>(key: K): Promise<Kept[K] | null> {
  const answered = await answer((store) => get<Kept[K]>(key, store))
  return 'value' in answered ? (answered.value ?? null) : null
}

/** @returns why it could not be kept; null where it was. What was kept before stays then. */
export async function keep<K extends keyof Kept>(key: K, value: Kept[K]): Promise<string | null> {
  const answered = await answer((store) => set(key, value, store))
  return 'why' in answered ? answered.why : null
}

/** Where it can't be deleted there is nothing to delete either. */
export async function forget(key: keyof Kept): Promise<void> {
  await answer((store) => del(key, store))
}
