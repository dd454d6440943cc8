import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright'
import { createServer, type ViteDevServer } from 'vite'
import { describe, expect, test } from 'vitest'
import { fashionMnist } from '../../../src/app/tasks/fashion-mnist/task.ts'
import { chromiumFlags, findChromium } from '../../chromium.ts'
import { expectClose, explained, pickNumber, quiet, shownProbabilities, useSite } from './site.ts'

const { classNames } = fashionMnist

/**
 * What a person does on the page, in a real Chromium, against the same library calls in Node. The page is the built one;
 * that the development server shows it too is looked at once.
 */

const site = useSite()

describe('the page', () => {
  test('opens without complaints, isolated, with the probabilities the engine gives', async () => {
    const { page, complaints } = await site.open()
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
    // As many threads as the same machine gives Node.
    expect(await page.locator('.device-name').textContent()).toContain(site.device.info.adapter)
    expectClose(await shownProbabilities(page), await site.predicted(site.pixelsOf(135)))
    await pickNumber(page, 23)
    const expected = await site.predicted(site.pixelsOf(23))
    expectClose(await shownProbabilities(page), expected)
    const label = expected.indexOf(Math.max(...expected))
    await expect.poll(() => page.locator('.predicted').textContent()).toBe(classNames[label])
    const isRight = label === site.images.labels[23]
    expect(await page.locator('.mark').textContent()).toContain(isRight ? 'right' : 'wrong')
    expect(await page.getByRole('alert').textContent()).toBe('')
    expect(complaints).toEqual([])
  })

  test('needs no more than 180 KB of scripts, gzipped, for its first view and its first explanation', async () => {
    const context = await site.browser.newContext()
    try {
      const page = await context.newPage()
      const names = new Set<string>()
      // Those of the page and its Workers; what is kept for use offline comes later, and to the service worker.
      page.on('request', (request) => {
        const name = new URL(request.url()).pathname.split('/').at(-1) ?? ''
        if (name.endsWith('.js') && !request.serviceWorker()) names.add(name)
      })
      await page.goto(site.address)
      await explained(page)
      names.delete('service-worker.js')
      expect(Array.from(names, (name) => name.split('-')[0])).toContain('engine')
      let bytes = 0
      for (const name of names) bytes += gzipSync(await readFile(join(site.folder, 'assets', name))).byteLength
      expect(bytes).toBeGreaterThan(100_000)
      // Where there is a GPU, what computes on it comes in place of the processor's kernels: 16 KB more.
      expect(bytes).toBeLessThanOrEqual(180_000)
      // Readers of other formats, and what opens a network of one's own, come with the first such file.
      expect(Array.from(names).filter((name) => /^(read|own-network)-/.test(name))).toEqual([])
    } finally {
      await context.close()
    }
  })

  test('lets no text become a script, and asks no other host', async () => {
    const { page } = await site.open()
    const outcome = await page.evaluate(async () => {
      // Within the call itself the browser's policy does not hold.
      await new Promise((resolve) => setTimeout(resolve, 50))
      const attempt = async (work: () => unknown) => {
        try {
          await work()
          return 'done'
        } catch (error) {
          return error instanceof Error ? error.name : 'refused'
        }
      }
      const script = document.createElement('script')
      script.textContent = 'window.isHacked = true'
      document.body.append(script)
      return {
        fromText: await attempt(() => new Function('return 1')()),
        elsewhere: await attempt(() => fetch('https://example.com/')),
        isHacked: 'isHacked' in window,
      }
    })
    expect(outcome).toEqual({ fromText: 'EvalError', elsewhere: 'TypeError', isHacked: false })
  })

  test('moves through the grid by mouse and keyboard, one class at a time if wanted', async () => {
    const { page } = await site.open('?index=0')
    const grid = page.getByRole('listbox', { name: 'Test images' })
    await grid.getByRole('option').nth(2).click()
    await page.getByText('Test image 2', { exact: true }).waitFor()
    await grid.press('ArrowRight')
    await page.getByText('Test image 3', { exact: true }).waitFor()
    await grid.press('End')
    await page.getByText('Test image 9999', { exact: true }).waitFor()
    await grid.getByRole('option', { name: 'number 9999', selected: true }).waitFor()
    await page.getByRole('combobox', { name: 'Show', exact: true }).selectOption('Bag')
    await grid.press('Home')
    const firstBag = site.images.labels.indexOf(classNames.indexOf('Bag'))
    await page.getByText(`Test image ${firstBag}`, { exact: true }).waitFor()
    // Of 1,000 pictures only those in view exist.
    expect(await grid.getByRole('option').count()).toBeLessThan(200)
  })

  test('computes on the processor where WebGPU is missing, and says so', async () => {
    const { page } = await site.open()
    expect(await page.locator('.device-name').textContent()).toMatch(/^cpu — WebAssembly.*: .*WebGPU/)
    const choice = page.getByLabel('Compute on')
    await choice.selectOption('webgpu')
    await page.getByRole('alert').getByText("WebGPU can't be used").waitFor()
    expect(await page.getByRole('alert').textContent()).toContain('The processor computes instead.')
    await expect.poll(() => choice.inputValue()).toBe('cpu')
    await pickNumber(page, 4)
    expectClose(await shownProbabilities(page), await site.predicted(site.pixelsOf(4)))
    await choice.selectOption('auto')
    await expect.poll(() => page.getByRole('alert').textContent()).toBe('')
  })

  test('computes on WebGPU when asked to', async () => {
    const withGpu = await chromium.launch({ executablePath: findChromium(), args: chromiumFlags })
    try {
      const { page, complaints } = await site.open('', withGpu)
      const kind = () => page.locator('.device-name strong').textContent({ timeout: 20_000 })
      const choice = page.getByLabel('Compute on')
      await choice.selectOption('webgpu')
      await expect.poll(kind, { timeout: 20_000 }).toBe('webgpu')
      await pickNumber(page, 4)
      expectClose(await shownProbabilities(page), await site.predicted(site.pixelsOf(4)), 1e-4)
      await choice.selectOption('cpu')
      await expect.poll(kind, { timeout: 20_000 }).toBe('cpu')
      await pickNumber(page, 6)
      expectClose(await shownProbabilities(page), await site.predicted(site.pixelsOf(6)))
      expect(await page.getByRole('alert').textContent()).toBe('')
      expect(complaints.filter((complaint) => !complaint.includes('powerPreference'))).toEqual([])
    } finally {
      await withGpu.close()
    }
  })

  test('is shown by the development server as well', async () => {
    const server: ViteDevServer = await createServer({
      ...quiet,
      cacheDir: await mkdtemp(join(tmpdir(), 'limelight-vite-cache-')),
      server: { port: 0, open: false, hmr: false, watch: null },
    })
    try {
      await server.listen()
      const { page } = await site.open('', site.browser, server.resolvedUrls?.local[0] ?? '')
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
      expectClose(await shownProbabilities(page), await site.predicted(site.pixelsOf(135)))
    } finally {
      await server.close()
    }
  })
})
