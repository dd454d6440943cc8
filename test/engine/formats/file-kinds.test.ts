import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tutorialArchitecture } from '../../../src/app/networks/tutorial.ts'
import { ArgumentError, FormatError } from '../../../src/engine/errors.ts'
import { loadModel } from '../../../src/engine/facade/load-model.ts'
import { modelFromBytes } from '../../../src/engine/facade/model-from-bytes.ts'
import { formatSafetensors } from '../../../src/engine/formats/safetensors.ts'

/** Bytes written as text, letter for byte. */
const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0))
const zip = (...names: string[]) => bytes(names.map((name) => `PK\x03\x04${'\0'.repeat(26)}${name}data`).join(''))
const weights = new Map([['conv1.weight', { shape: [1], data: new Float32Array(1) }]])

/** The first bytes of real files. */
const files: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['an empty file', bytes(''), /an empty file/],
  ['saved_model.pb', bytes('\x08\x01\x12\x02ab'), /a TensorFlow SavedModel/],
  [
    'half an .onnx',
    bytes('\x08\x08\x12\x02ab\x3a\x90\x4ebeginning'),
    /an ONNX file whose end is missing: fetch it again/,
  ],
  ['model.json', bytes('{\n  "format": "layers-model",\n  "modelTopology": {}}'), /a TensorFlow.js model/],
  ['.pt', zip('archive/data.pkl', 'archive/version'), /a PyTorch file/],
  ['.pth of PyTorch 1.5', bytes('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.'), /a PyTorch file of an old version/],
  ['.pkl', bytes('\x80\x04\x95\x10'), /a Python pickle/],
  ['.npz', zip('weights.npy'), /a zip of NumPy arrays/],
  ['.gif', bytes('GIF89a\x01\0\x01\0'), /a GIF picture/],
  ['.png', bytes('\x89PNG\r\n\x1a\n'), /a PNG picture/],
  ['a page of a server', bytes('\n<!DOCTYPE html><html>'), /a web page/],
  ['a pointer', bytes('version https://git-lfs.github.com/spec/v1\n'), /Git LFS/],
  ['an explanation', bytes('{"format":"limelight-explanation","version":1}'), /an explanation that Limelight wrote/],
  ['settings', bytes('{ "seed": 1 }'), /a JSON file/],
  ['.safetensors of PyTorch', formatSafetensors(weights), /weights alone \("conv1.weight"\), as PyTorch saves them/],
  ['.safetensors of nothing', formatSafetensors(new Map()), /this safetensors file is empty/],
  ['anything', bytes('Dear all, the model is attached.'), /this is no model file/],
]

describe('a file that is no model of ours is told by its bytes', () => {
  it.each(files)('%s', (_name, content, kind) => {
    // As the library opens it, and as the command and the page do, for whom weights alone may be the tutorial network's.
    for (const fallback of [undefined, tutorialArchitecture(0)]) {
      expect(() => modelFromBytes(content, fallback)).toThrow(FormatError)
      expect(() => modelFromBytes(content, fallback)).toThrow(kind)
      expect(() => modelFromBytes(content, fallback)).toThrow(/Limelight opens ONNX/)
    }
  })

  // Windows has no device files.
  it.skipIf(process.platform === 'win32')('a device, which has no end', async () => {
    await expect(loadModel('/dev/zero')).rejects.toThrow('/dev/zero: this is a device, not a file')
    await expect(loadModel('/dev/null')).rejects.toThrow(/this is an empty file/)
  })

  it('a folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'limelight-folder-'))
    try {
      await expect(loadModel(folder)).rejects.toThrow(FormatError)
      await expect(loadModel(folder)).rejects.toThrow(/this is a folder that holds no model; Limelight opens/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('what loadModel can not take is said by name', () => {
  const map = (name: unknown, content: unknown) => new Map().set(name, content)
  it.each([
    [
      'a text for bytes',
      map('net.onnx', 'text'),
      '{}',
      /source has "text" under "net\.onnx"; expected a Map of Uint8Array/,
    ],
    ['a number for a name', map(1, bytes('')), '{}', /source has a Uint8Array under 1; expected/],
    ['a text for a shape', bytes(''), '{"inputShape":"3,224,224"}', /inputShape must be a list of pos/],
    ['an extent of -1', bytes(''), '{"inputShape":[3,-1,4]}', /inputShape must be a list of positive integers/],
  ])('%s', async (_what, source, options, message) => {
    const refused = loadModel(source, JSON.parse(options))
    await expect(refused).rejects.toThrow(ArgumentError)
    await expect(refused).rejects.toThrow(message)
  })

  it('an address, in Node', async () => {
    for (const address of ['https://nowhere.invalid/net.onnx', new URL('https://nowhere.invalid/net.onnx')])
      await expect(loadModel(address)).rejects.toThrow(
        'https://nowhere.invalid/net.onnx: in Node models are read from files: fetch it, and give its bytes or its path',
      )
  })
})
