import { thatIs } from '../arguments.ts'
import { cacheFolder } from './cache-folder.ts'
import { isNode, nodeModule } from './node-module.ts'
import { within } from './patience.ts'
import { choicesIn } from './tuning-choices.ts'

/**
 * What was found out by measuring a machine, kept for the next time: a file in Node, IndexedDB in a browser. Losing it costs
 * a moment, so nothing here fails: what can't be read is not known, what can't be written is forgotten.
 */
export interface TuningMemory {
  /** Choices by what they are for. `machine` names the machine and the engine that was measured. */
  read(machine: string): Promise<Readonly<Record<string, string>>>
  /** Adds choices to those that are known. */
  write(machine: string, choices: Readonly<Record<string, string>>): Promise<void>
}

/** What a caller may give as one. @internal */
export const tuningMemoryGiven = thatIs<TuningMemory>(
  'an object with the methods read and write',
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    ['read', 'write'].every((method) => typeof Reflect.get(value, method) === 'function'),
)

/** @param limit as tuningFile() takes it */
export function fileTuningMemory(path?: string, limit?: number): TuningMemory {
  const file = async () => {
    // Browsers have no files, and do without what writes them.
    const { tuningFile } = await import('./tuning-file.ts')
    return tuningFile(path ?? nodeModule('node:path').join(cacheFolder(), 'tuning.jsonl'), limit)
  }
  return {
    read: async (machine) => (await file()).read(machine),
    write: async (machine, choices) => (await file()).write(machine, choices),
  }
}

/** A database that answers takes some milliseconds. */
const patienceMs = 3000

function databaseTuningMemory(): TuningMemory {
  const store = 'choices'
  const settled = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  const inStore = async <T>(mode: IDBTransactionMode, work: (objects: IDBObjectStore) => Promise<T>): Promise<T> => {
    const opening = indexedDB.open('limelight-tuning', 1)
    opening.onupgradeneeded = () => void opening.result.createObjectStore(store)
    const database = await settled(opening)
    try {
      return await work(database.transaction(store, mode).objectStore(store))
    } finally {
      database.close()
    }
  }
  const read = async (objects: IDBObjectStore, machine: string) =>
    choicesIn(await settled<unknown>(objects.get(machine)))
  return {
    read: (machine) =>
      within(
        patienceMs,
        inStore('readonly', (objects) => read(objects, machine)),
        {},
      ),
    // In one transaction: another tab's choices can't come between.
    write: (machine, choices) => {
      const adding = inStore('readwrite', async (objects) => {
        const known = await read(objects, machine)
        await settled(objects.put({ ...known, ...choices }, machine))
      })
      return within(patienceMs, adding, undefined)
    },
  }
}

/** For engines that offer neither. */
const forgetful: TuningMemory = { read: async () => ({}), write: async () => {} }

export function tuningMemory(): TuningMemory {
  if (isNode) return fileTuningMemory()
  return typeof indexedDB === 'undefined' ? forgetful : databaseTuningMemory()
}

/** The processor and the engine, as far as they can be told. */
export function machineName(): string {
  if (!isNode) return navigator.userAgent
  const [processor] = nodeModule('node:os').cpus()
  return `${processor?.model ?? process.arch}, V8 ${process.versions.v8}`
}
