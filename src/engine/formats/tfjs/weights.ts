import * as v from 'valibot'
import { finiteNumber, items, oneOf, orLeftOut, parsed, shown, text } from '../../arguments.ts'
import { FormatError } from '../../errors.ts'
import { joinedArrays } from '../../platform/joined-arrays.ts'
import { sizeOf } from '../../tensor.ts'
import { fromFloat16 } from '../float16.ts'
import { type ModelFiles, needed } from '../model-files.ts'
import { checkExtents, type HostTensor } from '../operators/host-tensor.ts'

/**
 * The weights of a TensorFlow.js model (layers or graph): model.json lists them in groups, `weightsManifest`; the bytes of a group are those
 * of its files, one behind the other, little-endian and row-major. Quantised ones are q x scale + min.
 */
export interface WebWeights {
  readonly tensors: ReadonlyMap<string, HostTensor>
  /** Weights that are no real numbers, by their names: texts and complex numbers. They are left where they are. */
  readonly others: ReadonlyMap<string, 'string' | 'complex64'>
  /** How numbers are stored that are not 32-bit floats: 'uint8 with scales', 'float16'. */
  readonly storage?: string
}

const entrySchema = v.object({
  name: text,
  shape: items<number>('an extent', Number.isSafeInteger),
  dtype: oneOf('float32', 'int32', 'bool', 'string', 'complex64'),
  quantization: orLeftOut(
    v.object({
      dtype: oneOf('uint8', 'uint16', 'float16'),
      scale: orLeftOut(finiteNumber),
      min: orLeftOut(finiteNumber),
    }),
  ),
})
const groupSchema = v.object({ paths: v.array(text), weights: v.array(entrySchema) })
const manifestSchema = v.array(groupSchema)

type Entry = v.InferOutput<typeof entrySchema>
type Group = v.InferOutput<typeof groupSchema>

/**
 * @param manifest model.json's `weightsManifest`, as JSON.parse gives it
 * @throws FormatError for a manifest that is none, files that are missing, and files that hold less or more than it says
 */
export async function readWeights(manifest: unknown, files: ModelFiles): Promise<WebWeights> {
  const groups = parsed('its "weightsManifest"', manifestSchema, manifest)
  checkNames(groups)
  const tensors = new Map<string, HostTensor>()
  const others = new Map<string, 'string' | 'complex64'>()
  for (const { paths, weights } of groups) {
    const shards = await Promise.all(paths.map((path) => shard(files, path)))
    const bytes = shards.length === 1 ? shards[0] : joinedArrays(shards, Uint8Array)
    const what = `the weights in ${paths.map(shown).join(', ')}`
    let at = 0
    for (const entry of weights) {
      const { name, dtype } = entry
      const end = at + byteLengthOf(entry, bytes, at)
      if (end > bytes.length)
        throw new FormatError(`${what}: ${bytes.length} bytes; ${shown(name)} should end at byte ${end}`)
      if (dtype === 'string' || dtype === 'complex64') others.set(name, dtype)
      else tensors.set(name, decoded(entry, dtype, new Uint8Array(bytes.subarray(at, end))))
      at = end
    }
    if (at !== bytes.length) throw new FormatError(`${what}: ${bytes.length} bytes; the manifest speaks of ${at}`)
  }
  const kinds = new Set(groups.flatMap(({ weights }) => weights.map(storageOf)))
  kinds.delete(undefined)
  return { tensors, others, ...(kinds.size > 0 && { storage: [...kinds].sort().join(', ') }) }
}

/** A file of weights. Its name has no extension; people who keep such files give them one, and leave the manifest as it is. */
async function shard(files: ModelFiles, path: string): Promise<Uint8Array> {
  return (await files.beside(path)) ?? (await files.beside(`${path}.bin`)) ?? needed(files, path)
}

/** A file that is named a thousand times would be a thousand times as large. */
function checkNames(groups: readonly Group[]): void {
  const given = {
    file: groups.flatMap(({ paths }) => paths),
    weight: groups.flatMap(({ weights }) => weights.map(({ name }) => name)),
  }
  for (const [what, names] of Object.entries(given)) {
    const seen = new Set<string>()
    for (const name of names) {
      if (seen.has(name)) throw new FormatError(`its "weightsManifest" has the ${what} ${shown(name)} twice`)
      seen.add(name)
    }
  }
}

const itemBytes = { float32: 4, int32: 4, bool: 1, complex64: 8, uint8: 1, uint16: 2, float16: 2 } as const

/** Texts begin with their length, each, in 4 bytes: how many bytes they have is known only where they lie. */
function byteLengthOf({ name, shape, dtype, quantization }: Entry, bytes: Uint8Array, at: number): number {
  checkExtents(`the weight ${shown(name)}`, shape)
  const count = sizeOf(shape)
  if (dtype !== 'string') return count * itemBytes[quantization?.dtype ?? dtype]
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let end = at
  for (let i = 0; i < count && end <= bytes.length; i++)
    end += end + 4 <= bytes.length ? 4 + view.getUint32(end, true) : 4
  return end - at
}

function decoded(entry: Entry, dtype: 'float32' | 'int32' | 'bool', bytes: Uint8Array<ArrayBuffer>): HostTensor {
  const { shape, quantization } = entry
  if (dtype === 'bool') return { type: 'boolean', shape, data: quantization ? dequantised(entry, bytes) : bytes }
  if (dtype === 'int32')
    return {
      type: 'integer',
      shape,
      data: quantization ? Int32Array.from(dequantised(entry, bytes), Math.round) : new Int32Array(bytes.buffer),
    }
  return { type: 'float', shape, data: quantization ? dequantised(entry, bytes) : new Float32Array(bytes.buffer) }
}

function dequantised({ name, quantization }: Entry, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  if (quantization?.dtype === 'float16') return fromFloat16(new Uint16Array(bytes.buffer))
  const { dtype, scale, min } = quantization ?? {}
  if (scale === undefined || min === undefined)
    throw new FormatError(`the weight ${shown(name)} is stored as ${dtype} without scale and min`)
  const stored = dtype === 'uint16' ? new Uint16Array(bytes.buffer) : bytes
  // Millions of numbers: a loop takes a tenth of the time that Float32Array.from() takes with a function.
  const numbers = new Float32Array(stored.length)
  for (let i = 0; i < numbers.length; i++) numbers[i] = stored[i] * scale + min
  return numbers
}

function storageOf({ quantization }: Entry): string | undefined {
  if (!quantization) return undefined
  return quantization.dtype === 'float16' ? 'float16' : `${quantization.dtype} with scales`
}
