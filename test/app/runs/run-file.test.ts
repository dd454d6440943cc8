import { expect, test } from 'vitest'
import { runFrom } from '../../../src/app/runs/run-file.ts'
import { ArgumentError } from '../../../src/engine/errors.ts'

const least = {
  version: 1,
  request: { version: 1, method: 'lime' },
  model: { source: 'net.onnx' },
  images: { source: 'folder', folder: 'pictures' },
  output: 'out',
}

test('paths are beside the file; buckets, absolute paths and names of the catalogue stay as they are', () => {
  expect(runFrom(least, '/data')).toEqual({
    ...least,
    model: { source: '/data/net.onnx' },
    images: { source: 'folder', folder: '/data/pictures' },
    output: '/data/out',
  })
  const far = {
    ...least,
    model: { source: 'mobilenet-v2' },
    images: { source: 'manifest', manifest: 's3://bucket/list.csv' },
    output: '/out',
  }
  expect(runFrom(far, '/data')).toEqual(far)
})

test.each([
  [{ version: 2 }, 'version must be 1, not 2'],
  [{ output: undefined }, 'output must be a text that is not empty, not undefined'],
  [{ output: '' }, 'output must be a text that is not empty, not ""'],
  [{ shardSize: 100 }, 'shardSize must be a whole number from 256 to 4,096, not 100'],
  [{ format: 'csv' }, "format must be 'parquet' or 'jsonl', not \"csv\""],
  [{ command: 'rm -rf /' }, 'there is no option "command"'],
  [{ model: { source: 'a', code: 'x' } }, 'there is no option "model.code"'],
  [{ model: { source: 'a', sha256: 'x' } }, 'model.sha256 must be a SHA-256'],
  [
    { images: { source: 'http', url: 'http://x' } },
    "images.source must be 'test-set', 'folder', 'glob', 'manifest' or 's3'",
  ],
  [{ images: { source: 'folder', folder: 'a', pattern: '*' } }, 'there is no option "pattern"'],
  [{ images: { source: 'test-set', first: 5, end: 5 } }, 'end must be above first, 5, not 5'],
  [{ images: { source: 's3', prefix: 'pictures/' } }, 'prefix must be s3://bucket/prefix'],
  [{ request: { version: 1, method: 'lime', samples: 'many' } }, 'lime: samples must be a whole number'],
  [{ device: { name: 'auto' } }, "device.name must be 'cpu', 'webgpu' or 'reference'"],
])('%j is refused', (given, message) => {
  expect(() => runFrom({ ...least, ...given }, '/data')).toThrow(ArgumentError)
  expect(() => runFrom({ ...least, ...given }, '/data')).toThrow(message)
})
