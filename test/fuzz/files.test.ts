import { gzipSync } from 'node:zlib'
import { gunzip } from '../../src/app/data/gzip.ts'
import { parseIdxImages } from '../../src/app/data/idx.ts'
import { modelFromBytes } from '../../src/engine/facade/model-from-bytes.ts'
import { formatSafetensors, parseSafetensors, type StoredArray } from '../../src/engine/formats/safetensors.ts'
import { modelToBytes } from '../../src/engine/formats/write-model.ts'
import {
  add,
  conv2d,
  dense,
  dropout,
  flatten,
  model as graphModel,
  input,
  maxPooling2d,
  sequential,
  upSampling2d,
} from '../../src/engine/index.ts'
import { fuzz, joined, must, mutated, mutatedJson, pick, type Random, whole } from './fuzzing.ts'

/** Half of the mutants have their header changed as JSON, with a length that fits: bytes alone seldom get past it. */
function mutatedFile(random: Random, file: Uint8Array): Uint8Array {
  if (random() < 0.5) return mutated(random, file)
  const length = Number(new DataView(file.buffer).getBigUint64(0, true))
  const header: unknown = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)))
  let text = JSON.stringify(mutatedJson(random, header))
  if (random() < 0.2) text = text.replace('}', `},${text.slice(1, whole(random, 40))}`)
  const json = new TextEncoder().encode(text)
  const size = new Uint8Array(8)
  new DataView(size.buffer).setBigUint64(0, BigInt(json.length), true)
  return joined(size, json, file.subarray(8 + length))
}

const tensors = new Map<string, { shape: number[]; data: StoredArray }>([
  ['a', { shape: [2, 3], data: Float32Array.from([1, 2, 3, 4, 5, 6]) }],
  ['b', { shape: [], data: Float64Array.of(7) }],
  ['c', { shape: [5], data: Uint8Array.of(1, 2, 3, 4, 5) }],
  ['d', { shape: [0, 4], data: new Int32Array(0) }],
])
const safetensors = formatSafetensors(tensors, { about: 'fuzzing', '{"': '"}' })
const itemBytes: Readonly<Record<string, number>> = { F64: 8, F32: 4, I32: 4, U32: 4, I8: 1, U8: 1 }

fuzz('safetensors', {
  taken: 0.02,
  refused: 0.5,
  attempt(random) {
    const bytes = mutatedFile(random, safetensors)
    const read = parseSafetensors(bytes)
    // By the header as it stands: every byte of the data in one tensor, and no name twice.
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
    const text = new TextDecoder().decode(bytes.subarray(8, 8 + length))
    const { __metadata__: _metadata, ...entries } = JSON.parse(text)
    const owners = new Uint8Array(bytes.length - 8 - length)
    for (const [
      name,
      {
        dtype,
        shape,
        data_offsets: [begin, end],
      },
    ] of Object.entries<{ dtype: string; shape: number[]; data_offsets: number[] }>(entries)) {
      const count = shape.reduce((product, extent) => product * extent, 1)
      must(end - begin === count * itemBytes[dtype], `${name} of ${count} ${dtype} has ${end - begin} bytes`)
      must(read.tensors.get(name)?.data.length === count, `${name} has other numbers`)
      for (let at = begin; at < end; at++) owners[at]++
    }
    must(
      owners.every((count) => count === 1),
      'a byte belongs to none or to two',
    )
    // What JSON.parse made of a name that is there twice is there once.
    must(namesIn(text) === namesIn(JSON.stringify(JSON.parse(text))), 'a name twice')
  },
})

/** Each name has a colon behind it that stands in no string. */
function namesIn(json: string): number {
  return json.replace(/"(?:[^"\\]|\\.)*"/g, '').split(':').length
}

const model = sequential({ inputShape: [8, 8, 1], seed: 1 }, [
  conv2d({ filters: 2, kernelSize: 3, activation: 'relu' }),
  maxPooling2d(),
  upSampling2d(),
  dropout({ rate: 0.5 }),
  flatten(),
  dense({ units: 3, activation: 'softmax' }),
])
const image = input({ shape: [8, 8, 1] })
const shared = conv2d({ filters: 1, kernelSize: 3, padding: 'same' })
const merged = add([image.through(shared), image.through(shared, shared), image])
const graph = graphModel({
  inputs: image,
  outputs: merged.through(flatten(), dense({ units: 3, activation: 'softmax' })),
})
const modelFiles = [modelToBytes(model), modelToBytes(graph)]

/** The architecture is JSON in JSON: it has mutants of its own. */
function mutatedArchitecture(random: Random, modelBytes: Uint8Array): Uint8Array {
  const { tensors: weights, metadata } = parseSafetensors(modelBytes)
  const architecture = JSON.stringify(mutatedJson(random, JSON.parse(metadata.architecture)))
  return formatSafetensors(weights, { ...metadata, architecture })
}

fuzz('model files', {
  taken: 0.01,
  refused: 0.4,
  attempt(random) {
    const modelBytes = pick(random, modelFiles)
    const bytes = random() < 0.5 ? mutatedArchitecture(random, modelBytes) : mutatedFile(random, modelBytes)
    const loaded = modelFromBytes(bytes)
    must(
      loaded.weights.every(({ data }) => data.every(Number.isFinite)),
      'a weight is no number',
    )
    must(loaded.summary().length > 0, 'no summary')
    const again = modelFromBytes(modelToBytes(loaded))
    const architectures = [again, loaded].map(({ architecture }) => JSON.stringify(architecture))
    must(architectures[0] === architectures[1], 'it is not written as it was read')
  },
})

const idx = joined(Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 2), new Uint8Array(24).fill(9))
const packed = new Uint8Array(gzipSync(idx))

fuzz('idx files in gzip', {
  refused: 0.5,
  async attempt(random) {
    const bytes = random() < 0.5 ? mutated(random, idx) : await gunzip(mutated(random, packed), 4096)
    const { images, count, height, width } = parseIdxImages(bytes)
    must(images.length === count * height * width && count * height * width === bytes.length - 16, 'sizes do not fit')
  },
})
