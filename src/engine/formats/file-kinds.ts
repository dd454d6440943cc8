/**
 * What a file is, by its first bytes: so that somebody who gives a model of another program, a picture or a web page is told
 * what it is, and not that a header is wrong.
 */

interface FileKind {
  /** In a sentence: "this is …". */
  readonly name: string
  readonly sniff: (bytes: Uint8Array) => boolean
}

/** What Limelight opens. */
export const acceptedModels =
  "Limelight opens ONNX (.onnx), TensorFlow Lite (.tflite), TensorFlow.js (model.json) and Keras (.keras, .h5) models, and safetensors files that hold its own networks, as `limelight train` and a model's save() write them"

function startsWith(bytes: Uint8Array, magic: string | readonly number[], at = 0): boolean {
  const codes = typeof magic === 'string' ? Array.from(magic, (letter) => letter.charCodeAt(0)) : magic
  return codes.every((code, i) => bytes[at + i] === code)
}

/** As text, letter for byte: names are looked for in it. */
function lettersOf(bytes: Uint8Array, first: number, count: number): string {
  return String.fromCharCode(...bytes.subarray(Math.max(0, first), first + count))
}

/** Text at the beginning, without white space and in small letters. */
function opening(bytes: Uint8Array): string {
  return lettersOf(bytes, 0, 4096).replace(/\s+/g, '').toLowerCase()
}

/** Names of files in a zip stand at its beginning, one by one, and again at its end. */
function zipHolds(bytes: Uint8Array, name: string): boolean {
  const window = 32_768
  return (
    startsWith(bytes, 'PK\x03\x04') &&
    (lettersOf(bytes, 0, window).includes(name) || lettersOf(bytes, bytes.length - window, window).includes(name))
  )
}

export function isHdf5(bytes: Uint8Array): boolean {
  return startsWith(bytes, '\x89HDF\r\n\x1a\n')
}

/** A zip that may hold a model: those that are other programs' files are not looked into. */
export function isZipOfFiles(bytes: Uint8Array): boolean {
  return startsWith(bytes, 'PK\x03\x04') && !zipHolds(bytes, 'data.pkl') && !zipHolds(bytes, '.npy')
}

export function isKerasZip(bytes: Uint8Array): boolean {
  return zipHolds(bytes, 'model.weights.h5') && zipHolds(bytes, 'config.json')
}

/**
 * A protobuf message's fields: number and wire type, and the value where it is a plain number; null where it is no message. What reads
 * protobuf is loaded only when a file is ONNX, and this is asked before that is known.
 * @param end of the message, where the file is known to end before it
 */
function protobufFields(
  bytes: Uint8Array,
  end = bytes.length,
): { number: number; wire: number; value: number }[] | null {
  const fields: { number: number; wire: number; value: number }[] = []
  let at = 0
  const varint = () => {
    let [value, scale] = [0, 1]
    for (let i = 0; i < 10; i++) {
      const byte = bytes[at++]
      if (byte === undefined) return Number.NaN
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
    return Number.NaN
  }
  while (at < bytes.length && fields.length < 64) {
    const key = varint()
    const [number, wire] = [Math.floor(key / 8), key % 8]
    const value = varint()
    if (!(number >= 1) || (wire !== 0 && wire !== 2) || Number.isNaN(value)) return null
    if (wire === 2) at += value
    if (at > end) return null
    fields.push({ number, wire, value })
  }
  return fields
}

/** ModelProto: ir_version is field 1, a number; the graph is field 7. */
export function isOnnx(bytes: Uint8Array): boolean {
  const fields = protobufFields(bytes)
  return Boolean(fields?.some(({ number, wire }) => number === 7 && wire === 2) && fields.some(isIrVersion))
}

/** What came of an ONNX file before its download broke off: its graph, the largest field by far, goes on after the end. */
function isCutOnnx(bytes: Uint8Array): boolean {
  const fields = protobufFields(bytes, Number.MAX_SAFE_INTEGER)
  const last = fields?.at(-1)
  return last?.number === 7 && last.wire === 2 && last.value > 0 && Boolean(fields?.some(isIrVersion))
}

function isIrVersion({ number, wire, value }: { number: number; wire: number; value: number }): boolean {
  return number === 1 && wire === 0 && value >= 1 && value < 1000
}

/** A FlatBuffer of TensorFlow Lite's schema. */
export function isTflite(bytes: Uint8Array): boolean {
  return startsWith(bytes, 'TFL3', 4)
}

/** A model.json of TensorFlow.js with a graph of TensorFlow's operators. What stands in front of a graph tells it from layers. */
export function isWebGraph(bytes: Uint8Array): boolean {
  const text = opening(bytes)
  return isWebModel(text) && /"format":"graph-model"|"modeltopology":\{"(node|versions|library)":/.test(text)
}

/** A model.json of TensorFlow.js with Keras's layers: one that is no graph of TensorFlow's operators, as far as its beginning tells. */
export function isWebLayers(bytes: Uint8Array): boolean {
  const text = opening(bytes)
  return isWebModel(text) && !/"format":"graph-model"|"modeltopology":\{"(node|versions|library)":/.test(text)
}

function isWebModel(text: string): boolean {
  return /^\{.*"(modeltopology|weightsmanifest)":/.test(text)
}

/** Other programs' files, the surest signs first. */
const otherKinds: readonly FileKind[] = [
  { name: 'an empty file', sniff: ({ length }) => length === 0 },
  { name: 'a PyTorch file (.pt, .pth)', sniff: (bytes) => zipHolds(bytes, 'data.pkl') },
  { name: 'a zip of NumPy arrays (.npz)', sniff: (bytes) => zipHolds(bytes, '.npy') },
  { name: 'an empty zip', sniff: (bytes) => startsWith(bytes, 'PK\x05\x06') },
  {
    name: 'a PyTorch file of an old version (.pt, .pth)',
    sniff: (bytes) => startsWith(bytes, [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20]),
  },
  { name: 'a Python pickle', sniff: (bytes) => bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5 },
  { name: 'a NumPy array (.npy)', sniff: (bytes) => startsWith(bytes, '\x93NUMPY') },
  { name: 'a GGUF model', sniff: (bytes) => startsWith(bytes, 'GGUF') },
  {
    name: 'a pointer of Git LFS, not the file itself: fetch that with `git lfs pull`',
    sniff: (bytes) => startsWith(bytes, 'version https://git-lfs'),
  },
  { name: 'a GIF picture', sniff: (bytes) => startsWith(bytes, 'GIF8') },
  { name: 'a PNG picture', sniff: (bytes) => startsWith(bytes, '\x89PNG') },
  { name: 'a JPEG picture', sniff: (bytes) => startsWith(bytes, [0xff, 0xd8, 0xff]) },
  { name: 'a WebP picture', sniff: (bytes) => startsWith(bytes, 'RIFF') && startsWith(bytes, 'WEBP', 8) },
  { name: 'a PDF', sniff: (bytes) => startsWith(bytes, '%PDF') },
  { name: 'a gzip file: unpack it first', sniff: (bytes) => startsWith(bytes, [0x1f, 0x8b]) },
  { name: 'an ONNX file whose end is missing: fetch it again', sniff: isCutOnnx },
  { name: 'a web page', sniff: (bytes) => /^<(!doctypehtml|html)/.test(opening(bytes)) },
  {
    name: 'a TensorFlow.js model (model.json)',
    sniff: (bytes) => isWebModel(opening(bytes)),
  },
  {
    name: 'an explanation that Limelight wrote',
    sniff: (bytes) => /"format":"limelight-explanation"/.test(opening(bytes)),
  },
  { name: 'a JSON file', sniff: (bytes) => /^[{[]["{[\]}\d]/.test(opening(bytes)) },
  {
    name: 'a TensorFlow SavedModel (saved_model.pb)',
    sniff: (bytes) =>
      Boolean(protobufFields(bytes)?.every((field, i) => (i === 0 ? isIrVersion(field) : field.number === 2))),
  },
]

/** What a file is that is none of ours; null where nothing tells. */
export function otherKindOf(bytes: Uint8Array): string | null {
  return otherKinds.find(({ sniff }) => sniff(bytes))?.name ?? null
}
