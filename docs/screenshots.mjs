/**
 * README's pictures of the page: `npm run screenshots` builds the page, opens what the links below say in Chromium, does what
 * a visitor would and writes docs/*.png.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'
import { build, preview, runnerImport } from 'vite'

const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const { module } = await runnerImport(file('../test/chromium.ts'))
const page = { root: file('../src/app/page'), configFile: file('../vite.config.ts'), logLevel: 'error' }

/** A shirt that the network calls a coat; without one part of it, a shirt. */
const link = '?index=135&segmenter=felzenszwalb&explain='

const folder = await mkdtemp(join(tmpdir(), 'limelight-screenshots-'))
await build({ ...page, build: { outDir: folder, emptyOutDir: false } })
const site = await preview({ ...page, build: { outDir: folder }, preview: { port: 0, open: false } })
const browser = await chromium.launch({ executablePath: module.findChromium(), args: ['--no-sandbox'] })
try {
  for (const [name, colorScheme] of [
    ['page', 'light'],
    ['page-dark', 'dark'],
  ]) {
    const tab = await browser.newPage({ viewport: { width: 1600, height: 900 }, colorScheme })
    await tab.goto(`${site.resolvedUrls.local[0]}${link}`)
    const segments = tab.locator('.segments tbody button')
    await segments.first().click()
    await tab.locator('.what-if tr').nth(2).locator('[data-probability]').waitFor()
    await segments.nth(1).hover()
    await tab.locator('.what-if tr').nth(1).locator('[data-probability]').waitFor()
    await tab.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)))
    await tab.screenshot({ path: file(`${name}.png`), fullPage: true })
    await tab.close()
    console.log(`docs/${name}.png`)
  }
} finally {
  await browser.close()
  await site.close()
  await rm(folder, { recursive: true, force: true })
}
