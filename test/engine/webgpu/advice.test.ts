import { afterEach, expect, test, vi } from 'vitest'
import { findAdapter } from '../../../src/engine/webgpu/adapter.ts'

/** What a browser's visitor is told where there is no adapter: nothing of Node, nothing to install with apt. */

vi.mock('../../../src/engine/platform/node-module.ts', () => ({ isNode: false }))
afterEach(() => vi.unstubAllGlobals())

const software = { info: { vendor: 'google', architecture: 'swiftshader', device: '', description: '' } }

test.each([
  [
    'has no WebGPU',
    undefined,
    'webgpu: this browser has no WebGPU here (navigator.gpu is missing). It needs a secure page (https or localhost) and a recent Chrome, Edge, Safari or Firefox; or take the device "cpu".',
  ],
  [
    'finds no adapter',
    async () => null,
    'webgpu: this browser finds no graphics adapter. Its settings may have graphics acceleration switched off, or its graphics driver may be too old; Chromium on Linux needs --enable-unsafe-webgpu; or take the device "cpu".',
  ],
  [
    'fails to look for one',
    async () => Promise.reject(new Error('the GPU process died')),
    'webgpu: no adapter: the GPU process died',
  ],
])('where the browser %s', async (_, requestAdapter, advice) => {
  vi.stubGlobal('navigator', requestAdapter ? { gpu: { requestAdapter } } : {})
  await expect(findAdapter(true)).rejects.toThrow(expect.objectContaining({ name: 'DeviceError', message: advice }))
})

test('where the browser has a software adapter and none is wanted', async () => {
  vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => software } })
  await expect(findAdapter(false)).rejects.toThrow(
    'webgpu: no hardware adapter. Allow a software one (slow), or take the device "cpu".',
  )
})
