import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { encode } from 'fast-png'
import { chromium } from 'playwright'
import { build, preview } from 'vite'
import { afterAll, expect, it } from 'vitest'
import { chromiumFlags, findChromium } from '../chromium.ts'
import { texturedShirt } from './textured-shirt.ts'

/** The page in 30 lines, built by Vite as its readers would, in a real Chromium. */

const folder = await mkdtemp(join(tmpdir(), 'limelight-example-page-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

it('explains the picture that a visitor chooses', async () => {
  const page = {
    root: resolve(import.meta.dirname, '../../examples/page'),
    configFile: false,
    logLevel: 'error',
  } as const
  await build({ ...page, build: { target: 'es2022', outDir: folder } })
  const server = await preview({ ...page, build: { outDir: folder }, preview: { port: 0 } })
  const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumFlags })
  try {
    const tab = await browser.newPage()
    const errors: unknown[] = []
    tab.on('pageerror', (error) => errors.push(error))
    await tab.goto(server.resolvedUrls?.local[0] ?? '')
    const picture = encode({ data: texturedShirt(), width: 28, height: 28, channels: 1 })
    // The page listens once its network is there.
    await tab.waitForFunction(() => document.querySelector('input')?.onchange)
    await tab.setInputFiles('input', { name: 'picture.png', mimeType: 'image/png', buffer: Buffer.from(picture) })
    await tab.getByText(/^Class \d: green speaks for it/).waitFor()
    const isColoured = await tab.evaluate(() => {
      const pixels = document.querySelector('canvas')?.getContext('2d')?.getImageData(0, 0, 28, 28).data ?? []
      return pixels.some((value, at) => at % 4 === 0 && value !== pixels[at + 1])
    })
    expect(isColoured).toBe(true)
    expect(errors).toEqual([])
  } finally {
    await browser.close()
    await server.close()
  }
})
