import { FormatError, LimelightError } from '../../engine/errors.ts'

/**
 * A decoder of another language, in WebAssembly: C libraries as browsers have them, so that pictures are the same in Node, in all
 * browsers and in most trainings. Each picture gets an instance of its own: what a hostile file does to it ends with it, and its
 * memory goes with it.
 */
export interface Codec {
  /** Puts bytes into its memory. Returns where they are. */
  store(bytes: Uint8Array): number
  /** Takes so many bytes of its memory. Returns where they are. */
  reserve(size: number): number
  /** @throws FormatError when the decoder gives up: it has no other way to tell */
  call(name: string, ...numbers: readonly number[]): number
  /** Whole numbers of 32 bits. */
  numbers(at: number, count: number): readonly number[]
  /** A copy. */
  bytes(at: number, size: number): Uint8Array<ArrayBuffer>
}

const modules = new Map<string, Promise<WebAssembly.Module>>()

/**
 * @param format as people call it: JPEG
 * @param dataUrl the decoder itself, which is part of our script: there is nothing to fetch, in Node, offline or under a strict policy
 */
export async function openCodec(format: string, dataUrl: string): Promise<Codec> {
  const module = modules.get(dataUrl) ?? WebAssembly.compile(bytesOf(dataUrl))
  modules.set(dataUrl, module)
  const { exports } = await WebAssembly.instantiate(await module, importsFor(await module))
  const { memory, ...functions } = exports
  if (!(memory instanceof WebAssembly.Memory)) throw new Error(`the decoder of ${format} has no memory`)
  const call = (name: string, ...numbers: readonly number[]): number => {
    const called = functions[name]
    if (typeof called !== 'function') throw new Error(`the decoder of ${format} has no ${name}`)
    try {
      return called(...numbers)
    } catch (cause) {
      throw new FormatError(`the ${format} is corrupt: its decoder gives up`, { cause })
    }
  }
  if (functions._initialize) call('_initialize')
  const reserve = (size: number) => {
    const at = call('malloc', size) >>> 0
    if (at === 0) throw new LimelightError(`no memory for a ${format}: ${size} bytes are asked for`)
    return at
  }
  return {
    call,
    reserve,
    store(bytes) {
      const at = reserve(bytes.length)
      new Uint8Array(memory.buffer).set(bytes, at)
      return at
    },
    numbers: (at, count) => [...new Int32Array(memory.buffer, at, count)],
    bytes: (at, size) => new Uint8Array(memory.buffer, at >>> 0, size).slice(),
  }
}

/** What C asks its surroundings for: files, which there are none, and setjmp, whose longjmp ends it. */
function importsFor(module: WebAssembly.Module): WebAssembly.Imports {
  const imports: WebAssembly.Imports = {}
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {}
    imports[from][name] = asked[name] ?? givesUp
  }
  return imports
}

const asked: Readonly<Record<string, () => number>> = { setjmp: () => 0, environ_sizes_get: () => 0 }

function givesUp(): never {
  throw new Error('longjmp, or a file')
}

function bytesOf(dataUrl: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(dataUrl.slice(dataUrl.indexOf(',') + 1)), (letter) => letter.charCodeAt(0))
}
