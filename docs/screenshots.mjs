/**
 * Pictures of the page: `npm run screenshots` builds it, opens each of its views in Chromium, does what a visitor would, and
 * writes README's pictures to docs/. `npm run screenshots -- FOLDER` writes every view there, light, dark and on a phone.
 */

import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'
import { build, preview, runnerImport } from 'vite'

const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const { module } = await runnerImport(file('../test/chromium.ts'))
const page = { root: file('../src/app/page'), configFile: file('../vite.config.ts'), logLevel: 'error' }

const explained = '[aria-labelledby="explanation-title-left"][aria-busy="false"] .segments td[data-weight]'

/** What is done in each view before its picture is taken. */
const views = {
  /** A shirt that the network calls a coat; without one part of it, a shirt. */
  async explain(tab) {
    await tab.locator(explained).first().waitFor()
    const segments = tab.locator('.segments tbody button')
    await segments.first().click()
    await tab.locator('.what-if tr').nth(2).locator('[data-probability]').waitFor()
    await segments.nth(1).hover()
    await tab.locator('.what-if tr').nth(1).locator('[data-probability]').waitFor()
  },
  async compare(tab) {
    await tab.locator(explained).first().waitFor()
    await tab.locator(explained.replace('left', 'right')).first().waitFor()
    for (const summary of await tab.locator('.trust-details summary').all()) await summary.click()
    await tab.locator('.trust .facts').nth(1).waitFor()
  },
  async train(tab) {
    // So many that it still goes on when it is paused.
    await tab.getByLabel('Epochs', { exact: true }).fill('20')
    await tab.getByRole('button', { name: 'Train', exact: true }).click()
    await tab.locator('.epochs tbody tr').nth(1).waitFor({ timeout: 120_000 })
    await tab.waitForTimeout(2500)
    await tab.getByRole('button', { name: 'Pause' }).click()
    await tab.locator('[data-phase="paused"]').waitFor()
  },
  async judge(tab) {
    await tab.getByRole('button', { name: 'Judge all 10,000 test images' }).click()
    await tab.locator('.matrix button').first().waitFor()
    await tab.getByRole('button', { name: 'Average the evidence' }).click()
    await tab.locator('.evidence-card').first().waitFor({ timeout: 120_000 })
  },
  /** A run of the command, of which one part is missing. */
  async results(tab) {
    const all = await filesOfRun()
    await tab.getByLabel('Files of results').setInputFiles(all.filter((name) => !name.includes('part-00002')))
    await tab.locator('.run-facts[aria-busy="false"]').waitFor()
    await tab.getByRole('combobox', { name: 'Show', exact: true }).selectOption('Taken for another class')
    await tab.locator('.rows tbody button').first().click()
    await tab.locator('.result-row[aria-busy="false"] canvas').waitFor()
  },
}
const screens = {
  light: { viewport: { width: 1600, height: 900 }, colorScheme: 'light' },
  dark: { viewport: { width: 1600, height: 900 }, colorScheme: 'dark' },
  phone: {
    viewport: { width: 390, height: 844 },
    colorScheme: 'light',
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  },
}
/** README's: which view, on which screen. */
const readme = [
  ['explain', 'light'],
  ['explain', 'dark'],
  ['train', 'light'],
  ['train', 'dark'],
  ['judge', 'light'],
  ['judge', 'dark'],
]

let run = null
/** What `limelight batch` writes of 600 test images, computed when it is first asked for. */
async function filesOfRun() {
  if (run === null) {
    run = await mkdtemp(join(tmpdir(), 'limelight-screenshots-run-'))
    const description = {
      version: 1,
      model: { source: file('../models/fashion-cnn.safetensors') },
      images: { source: 'test-set', first: 0, end: 600 },
      request: {
        version: 1,
        method: 'lime',
        samples: 100,
        segmenter: { name: 'felzenszwalb', parameters: { scale: 2 } },
      },
      shardSize: 256,
      output: join(run, 'output'),
    }
    await writeFile(join(run, 'run.json'), JSON.stringify(description))
    execFileSync(process.execPath, [file('../dist/cli.js'), 'batch', 'run', join(run, 'run.json')])
  }
  const files = await readdir(join(run, 'output'))
  return files.map((name) => join(run, 'output', name))
}

const [folder] = process.argv.slice(2)
const target = folder ? resolve(folder) : file('.')
const wanted = folder
  ? Object.keys(views).flatMap((view) => Object.keys(screens).map((screen) => [view, screen]))
  : readme

const site = await mkdtemp(join(tmpdir(), 'limelight-screenshots-'))
await build({ ...page, build: { outDir: site, emptyOutDir: false } })
const server = await preview({ ...page, build: { outDir: site }, preview: { port: 0, open: false } })
const browser = await chromium.launch({ executablePath: module.findChromium(), args: ['--no-sandbox'] })
try {
  await mkdir(target, { recursive: true })
  for (const [view, screen] of wanted) {
    const context = await browser.newContext(screens[screen])
    const tab = await context.newPage()
    await tab.goto(`${server.resolvedUrls.local[0]}${view === 'explain' ? '' : `?view=${view}`}`)
    await views[view](tab)
    await tab.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)))
    await tab.screenshot({ path: join(target, `${view}-${screen}.png`), fullPage: true })
    await context.close()
    console.log(`${view}-${screen}.png`)
  }
} finally {
  await browser.close()
  await server.close()
  await rm(site, { recursive: true, force: true })
  if (run !== null) await rm(run, { recursive: true, force: true })
}
