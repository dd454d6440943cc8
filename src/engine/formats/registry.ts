import { shown } from '../arguments.ts'
import { FormatError } from '../errors.ts'
import type { Architecture } from '../model/sequential.ts'
import {
  acceptedModels,
  isHdf5,
  isKerasZip,
  isOnnx,
  isTflite,
  isWebGraph,
  isWebLayers,
  isZipOfFiles,
  otherKindOf,
} from './file-kinds.ts'
import { type ModelFiles, severalFiles } from './model-files.ts'
import type { OpenedModel, ReadOptions } from './opened-model.ts'
import { readModel } from './read-model.ts'
import { beginsAsSafetensors } from './safetensors.ts'

/** A format of models. What reads it is loaded when such a file comes. */
export interface ModelFormat {
  /** For people: 'ONNX'. */
  readonly name: string
  /** With their dots; the usual one first. */
  readonly extensions: readonly string[]
  /** Whether a file is one, by its bytes: names say little. */
  sniff(bytes: Uint8Array): boolean
  /** @throws FormatError, UnsupportedModelError */
  read(files: ModelFiles, options: OpenOptions): Promise<OpenedModel>
}

export interface OpenOptions extends ReadOptions {
  /** The architecture of safetensors files that have none (weights written by other programs). */
  readonly fallback?: Architecture
}

/** The formats that Limelight opens, the surest signs first. */
export const modelFormats: readonly ModelFormat[] = [
  {
    name: 'safetensors',
    extensions: ['.safetensors'],
    // Of a length that it may have: a shard of another model's weights may have { at this place.
    sniff: (bytes) => beginsAsSafetensors(bytes) && bytes.subarray(4, 8).every((byte) => byte === 0),
    read: async ({ bytes }, { fallback }) => ({
      ...readModel(bytes, fallback),
      origin: { format: 'safetensors' },
    }),
  },
  {
    name: 'ONNX',
    extensions: ['.onnx'],
    sniff: isOnnx,
    read: async (files, options) => (await import('./onnx/read-onnx.ts')).readOnnx(files, options),
  },
  {
    name: 'TensorFlow Lite',
    extensions: ['.tflite'],
    sniff: isTflite,
    read: async (files, options) => (await import('./tflite/read-tflite.ts')).readTflite(files, options),
  },
  {
    name: 'TensorFlow.js graph model',
    extensions: ['.json'],
    sniff: isWebGraph,
    read: async (files, options) => (await import('./tfjs/read-graph-model.ts')).readGraphModel(files, options),
  },
  {
    name: 'Keras',
    extensions: ['.keras'],
    sniff: isKerasZip,
    read: async (files, options) => (await import('./keras/read-keras.ts')).readKerasZip(files, options),
  },
  {
    name: 'Keras (HDF5)',
    extensions: ['.h5', '.hdf5'],
    sniff: isHdf5,
    read: async (files, options) => (await import('./keras/read-keras.ts')).readKerasH5(files, options),
  },
  {
    name: 'TensorFlow.js layers model',
    extensions: ['.json'],
    sniff: isWebLayers,
    read: async (files, options) => (await import('./tfjs/read-layers-model.ts')).readLayersModel(files, options),
  },
  {
    name: 'zip',
    extensions: ['.zip'],
    sniff: isZipOfFiles,
    read: readFromZip,
  },
]

/** What a zip holds that is a model. One zip in another is not looked into: there may be no end of them. */
async function readFromZip({ bytes }: ModelFiles, options: OpenOptions): Promise<OpenedModel> {
  const { Zip } = await import('./zip.ts')
  const zip = new Zip(bytes)
  const files = new Map<string, Uint8Array>()
  for (const name of zip.names) {
    const file = await zip.file(name)
    if (file && !(isZipOfFiles(file) && !isKerasZip(file))) files.set(name, file)
  }
  return openModelFiles(modelAmong(files, 'this zip'), options)
}

/** Of several files the one that is a model. @throws FormatError where none is, or more than one */
export function modelAmong(files: ReadonlyMap<string, Uint8Array>, where: string): ModelFiles {
  const models = [...files].filter(([, bytes]) => modelFormats.some(({ sniff }) => sniff(bytes)))
  if (models.length === 1) return severalFiles(models[0][0], files)
  const names = models.slice(0, 10).map(([name]) => shown(name))
  throw new FormatError(
    models.length === 0
      ? `none of the files in ${where} is a model; ${acceptedModels}`
      : `several of the files in ${where} are models: ${names.join(', ')}; expected one`,
  )
}

/**
 * Reads a model of any format that Limelight knows.
 * @throws FormatError for a file that is none, or is damaged; it says what it is, where its bytes tell
 * @throws UnsupportedModelError for a whole file that asks for what can't be done, with all of that
 */
export function openModelFiles(files: ModelFiles, options: OpenOptions = {}): Promise<OpenedModel> {
  const format = modelFormats.find(({ sniff }) => sniff(files.bytes))
  if (format) return format.read(files, options)
  const kind = otherKindOf(files.bytes)
  throw new FormatError(`this is ${kind ?? 'no model file'}; ${acceptedModels}`)
}
