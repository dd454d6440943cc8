/**
 * Whether the product's page answers while the engine compiles. The built page is opened in a browser of its own that
 * remembers nothing; then WebGPU is chosen, which compiles the network's kernels, and a picture is explained. In each of
 * these phases the main thread's long tasks are noted, and how long it took from one animation frame to the next.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, preview } from 'vite'
import { launchCold } from './chromium.mjs'

const root = fileURLToPath(new URL('../src/app/page', import.meta.url))
const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url))

/**
 * @typedef {object} Phase
 * @property {string} name
 * @property {number} ms
 * @property {number} longTasks tasks of the main thread over 50 ms
 * @property {number} longestTask ms; 0 if none was long
 * @property {number} longestFrame ms from one animation frame to the next
 */

/**
 * @param {string[]} moreFlags of Chromium
 * @returns {Promise<Phase[]>} from navigation to the first explanation
 */
export async function measurePage(moreFlags = []) {
  const outDir = mkdtempSync(join(tmpdir(), 'limelight-bench-page-'))
  const settings = { root, configFile, logLevel: 'error' }
  let site
  let browser
  try {
    await build({ ...settings, build: { outDir, emptyOutDir: false } })
    site = await preview({ ...settings, build: { outDir }, preview: { port: 0, open: false } })
    browser = await launchCold(moreFlags)
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    page.setDefaultTimeout(0)
    await page.addInitScript(observe)
    // A picture that is explained only when asked for.
    await page.goto(`${site.resolvedUrls.local[0]}?index=0`)
    return await phasesOf(page)
  } finally {
    await browser?.close()
    await site?.close()
    rmSync(outDir, { recursive: true, force: true })
  }
}

async function phasesOf(page) {
  const choice = page.getByLabel('Compute on')
  const explain = page.getByRole('button', { name: 'Explain' })
  const steps = {
    'the page opens': () => explain.and(page.locator(':enabled')).waitFor(),
    'WebGPU opens and predicts': async () => {
      await choice.selectOption('webgpu')
      await page.locator('.device-name strong', { hasText: 'webgpu' }).waitFor()
    },
    'the first explanation': async () => {
      await explain.click()
      await page
        .getByRole('status')
        .filter({ hasText: /^Explained / })
        .waitFor({ state: 'attached' })
    },
  }
  const phases = []
  let start = 0
  for (const [name, step] of Object.entries(steps)) {
    await step()
    const end = await page.evaluate(() => performance.now())
    const { tasks, frames } = await page.evaluate(() => globalThis.observed)
    const during = (spans) =>
      spans.filter((span) => span.end > start && span.start < end).map((span) => span.end - span.start)
    const longTasks = during(tasks)
    phases.push({
      name,
      ms: end - start,
      longTasks: longTasks.length,
      longestTask: Math.max(0, ...longTasks),
      longestFrame: Math.max(0, ...during(frames)),
    })
    start = end
  }
  return phases
}

/** Runs in the page, before its own scripts. */
function observe() {
  const observed = { tasks: [], frames: [] }
  globalThis.observed = observed
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      observed.tasks.push({ start: startTime, end: startTime + duration })
  }).observe({ type: 'longtask', buffered: true })
  let last = performance.now()
  requestAnimationFrame(function next(now) {
    observed.frames.push({ start: last, end: now })
    last = now
    requestAnimationFrame(next)
  })
}
