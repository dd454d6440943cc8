import { FormatError } from '../errors.ts'
import type { Architecture } from '../model/sequential.ts'
import { acceptedModels, isOnnx, isTflite, isWebGraph, otherKindOf } from './file-kinds.ts'
import type { ModelFiles } from './model-files.ts'
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
    sniff: beginsAsSafetensors,
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
]

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
