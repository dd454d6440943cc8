/**
 * Where files are published, each once: a folder or a bucket. A file is there whole under its name or not at all, and is never
 * replaced, so that whoever finds it can rely on it.
 */
export interface Store {
  /** For people. */
  readonly address: string
  /**
   * Publishes a file unless there is one of this name. Of several that do at once, one does.
   * @returns whether this call did
   * @throws StoreError, FileWriteError
   */
  publish(name: string, content: Uint8Array): Promise<boolean>
  /** A published file, opened; null where there is none. @throws StoreError */
  open(name: string): Promise<StoredFile | null>
  /** The names of published files that begin so, in no order. @throws StoreError */
  list(beginning: string): Promise<string[]>
  /** Removes what writers that were killed left of files that begin so. Nobody may be writing any. */
  tidy(beginning: string): Promise<void>
}

/** A file whose parts are read as they are asked for: what hyparquet reads from, too. */
export interface StoredFile {
  readonly byteLength: number
  /** Bytes from start to end - 1, to the last one unless given. @throws StoreError */
  slice(start: number, end?: number): Promise<ArrayBuffer>
}

/** A whole file of a store; null where there is none. @throws StoreError */
export async function contentOf(store: Store, name: string): Promise<Uint8Array | null> {
  const file = await store.open(name)
  return file && new Uint8Array(await file.slice(0))
}
