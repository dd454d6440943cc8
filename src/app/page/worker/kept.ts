import { createStore, del, get, set, type UseStore } from 'idb-keyval'
import type { Checkpoint, EpochLog } from '../../../engine/index.ts'
import { within } from '../../../engine/platform/patience.ts'
import type { TrainingPoint, TrainingRecipe } from '../contract/engine-api.ts'

/** What the browser keeps between visits, in IndexedDB: the network that was trained or opened, and a training under way. */

/** A training that can go on. */
export interface KeptTraining {
  readonly recipe: TrainingRecipe
  readonly checkpoint: Checkpoint
  readonly log: readonly EpochLog[]
  readonly points: readonly TrainingPoint[]
}

interface Kept {
  readonly training: KeptTraining
  /** A safetensors file. */
  readonly network: Uint8Array
}

let opened: UseStore | null = null

/** One connection, made when it is needed: where there is no IndexedDB this throws. */
function store(): UseStore {
  opened ??= createStore('limelight', 'kept')
  return opened
}

/** The page opens without what is kept rather than not at all. A network and a training are read in far less. */
const patienceMs = 10_000

/** @returns null where there is none, or where this browser keeps nothing (a private window, a full disk), or does not answer */
export async function kept<K extends keyof Kept>(key: K): Promise<Kept[K] | null> {
  const read = async () => (await get<Kept[K]>(key, store())) ?? null
  return within(patienceMs, read(), null)
}

/** @returns why it could not be kept; null where it was. What was kept before stays then. */
export async function keep<K extends keyof Kept>(key: K, value: Kept[K]): Promise<string | null> {
  try {
    await set(key, value, store())
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Where it can't be deleted there is nothing to delete either. */
export async function forget(key: keyof Kept): Promise<void> {
  try {
    await del(key, store())
  } catch {}
}
