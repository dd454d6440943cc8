import { thatIs } from '../arguments.ts'
import { writeFileAtomically } from './atomic-write.ts'
import { cacheFolder } from './cache-folder.ts'
import { isNode, nodeModule } from './node-module.ts'

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

type Choices = Record<string, string>

/** Only texts under names: whatever else a file or a database holds is not from here. */
function choicesIn(value: unknown): Choices {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

/** `{ machine: { what: choice } }` as JSON. */
export function fileTuningMemory(path?: string): TuningMemory {
  const file = () => path ?? nodeModule('node:path').join(cacheFolder(), 'tuning.json')
  const readAll = async (): Promise<Record<string, unknown>> => {
    try {
      const all: unknown = JSON.parse(await nodeModule('node:fs/promises').readFile(file(), 'utf8'))
      return typeof all === 'object' && all !== null ? { ...all } : {}
    } catch {
      return {}
    }
  }
  return {
    read: async (machine) => choicesIn((await readAll())[machine]),
    async write(machine, choices) {
      const all = await readAll()
      const merged = { ...all, [machine]: { ...choicesIn(all[machine]), ...choices } }
      try {
        await writeFileAtomically(file(), `${JSON.stringify(merged, null, 2)}\n`)
      } catch {}
    },
  }
}

function databaseTuningMemory(): TuningMemory {
  const store = 'choices'
  const settled = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  const inStore = async <T>(mode: IDBTransactionMode, work: (objects: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const opening = indexedDB.open('limelight-tuning', 1)
    opening.onupgradeneeded = () => void opening.result.createObjectStore(store)
    const database = await settled(opening)
    try {
      return await settled(work(database.transaction(store, mode).objectStore(store)))
    } finally {
      database.close()
    }
  }
  const read = async (machine: string): Promise<Choices> => {
    try {
      return choicesIn(await inStore<unknown>('readonly', (objects) => objects.get(machine)))
    } catch {
      return {}
    }
  }
  return {
    read,
    async write(machine, choices) {
      const merged = { ...(await read(machine)), ...choices }
      await inStore('readwrite', (objects) => objects.put(merged, machine)).catch(() => {})
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
