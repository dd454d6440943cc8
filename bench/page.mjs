/**
 * `npm run bench -- page`: what a visitor of the page waits for. The built site is served from this machine and opened in
 * Chromium, without WebGPU, in a profile that remembers nothing: how long until the first view is of use and until the first
 * explanation, and the JavaScript that the first view needs. Then the page is used several times over, and the main thread's
 * tasks over 50 ms are counted in each step: while it explains or trains none may come every time, else the command fails. A
 * task that only waited for a processor with other work does not come every time. Prints tables and writes
 * bench/results/page.json.
 *
 *   --rounds N   openings, 9
 *   --visits N   times that the page is used, 3
 *   --out DIR    in place of bench/results
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright'
import { build, preview, runnerImport } from 'vite'
import { machine } from './machine.mjs'
import { explain, train } from './page-visitor.mjs'

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    rounds: { type: 'string', default: '9' },
    visits: { type: 'string', default: '3' },
    out: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const visits = Number(values.visits)
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const say = (text) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
const about = machine()

/** Milestones: when all of these selectors have so many elements. */
const firstView = {
  '[role="listbox"] [role="option"]': 1,
  '.probabilities[aria-busy="false"] td[data-probability]': 10,
}
const firstExplanation = { '.segments td[data-weight]': 1 }
const explainedLink = '?index=135&segmenter=felzenszwalb&samples=1000&seed=123&explain='

const outDir = mkdtempSync(join(tmpdir(), 'limelight-bench-page-'))
let site
let browser
try {
  say('building the site')
  const settings = { root: here('../src/app/page'), configFile: here('../vite.config.ts'), logLevel: 'error' }
  await build({ ...settings, build: { outDir, emptyOutDir: false } })
  site = await preview({ ...settings, build: { outDir }, preview: { port: 0, open: false } })
  const { module } = await runnerImport(here('../test/chromium.ts'))
  browser = await chromium.launch({
    executablePath: module.findChromium(),
    args: module.chromiumFlags.filter((flag) => flag !== '--enable-unsafe-webgpu'),
  })
  const address = site.resolvedUrls.local[0]

  const openings = []
  const explanations = []
  for (let round = 0; round < rounds; round++) {
    say(`opening the page, ${round + 1} of ${rounds}`)
    openings.push(await openedAt(address, firstView))
    explanations.push(await openedAt(address + explainedLink, firstExplanation))
  }
  const explaining = []
  const training = []
  for (let visit = 1; visit <= visits; visit++) {
    explaining.push(await tasksDuring(`explaining, ${visit} of ${visits}`, explain, address))
    training.push(await tasksDuring(`training, ${visit} of ${visits}`, train, address))
  }
  if (process.stderr.isTTY) say('')

  const [{ device, scripts }] = openings
  const results = {
    date: new Date().toISOString().slice(0, 10),
    machine: { ...about, chromium: browser.version() },
    rounds,
    device,
    firstView: spread(openings.map(({ ms }) => ms)),
    firstExplanation: spread(explanations.map(({ ms }) => ms)),
    javaScript: {
      files: scripts.length,
      bytes: sum(scripts.map(({ bytes }) => bytes)),
      gzipped: sum(scripts.map(({ gzipped }) => gzipped)),
    },
    longTasks: {
      loading: openings.map(({ longTasks }) => longTasks),
      explaining: byStep(explaining),
      training: byStep(training),
    },
  }
  console.log(report(results).join('\n'))
  const folder = values.out ?? here('results')
  mkdirSync(folder, { recursive: true })
  const rounded = (_key, value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value)
  writeFileSync(join(folder, 'page.json'), `${JSON.stringify(results, rounded, 2)}\n`)
  const failed = [...results.longTasks.explaining, ...results.longTasks.training].filter(({ always }) => always > 0)
  if (failed.length > 0) {
    console.error(`\nFAILED: tasks over 50 ms each time in ${failed.map(({ step }) => `"${step}"`).join(', ')}`)
    process.exitCode = 1
  }
} finally {
  await browser?.close()
  await site?.close()
  rmSync(outDir, { recursive: true, force: true })
}

/** A profile that remembers nothing, and in it a page that notes what happens. */
async function newPage(milestone = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(180_000)
  await page.addInitScript(observe, milestone)
  return page
}

/** From the start of the navigation to the frame that shows the milestone, in ms; and what was needed for it. */
async function openedAt(address, milestone) {
  const page = await newPage(milestone)
  const requests = []
  // Those of the service worker, which fetches the whole site, are not the page's.
  page.on('request', (request) => requests.push(request))
  await page.goto(address)
  await page.waitForFunction(() => globalThis.observed.milestoneAt !== null)
  // The observer is told of tasks when the thread is idle.
  await page.waitForTimeout(500)
  const { milestoneAt, longTasks, origin } = await page.evaluate(() => ({
    ...globalThis.observed,
    origin: performance.timeOrigin,
  }))
  const scripts = requests
    .filter((request) => new URL(request.url()).pathname.endsWith('.js'))
    .filter((request) => request.timing().startTime < origin + milestoneAt)
    .map((request) => {
      const content = readFileSync(join(outDir, new URL(request.url()).pathname))
      return { bytes: content.length, gzipped: gzipSync(content).length }
    })
  const device = await page.locator('.device-name').textContent()
  await page.context().close()
  return {
    ms: milestoneAt,
    longTasks: longTasks.filter(({ start }) => start < milestoneAt).map(({ ms }) => ms),
    scripts,
    device,
  }
}

/** The durations of the main thread's long tasks in each step of one visit, after the page has opened. */
async function tasksDuring(name, visit, address) {
  const page = await newPage()
  const steps = new Map()
  let from = null
  for await (const step of visit(page, address)) {
    say(`${name}: ${step}`)
    await page.waitForTimeout(300)
    const { longTasks, now } = await page.evaluate(() => ({ ...globalThis.observed, now: performance.now() }))
    // The first step ends the loading, which is counted by itself.
    if (from !== null)
      steps.set(
        step,
        longTasks.filter(({ start }) => start >= from).map(({ ms }) => ms),
      )
    from = now
  }
  await page.context().close()
  return steps
}

/** Each step's long tasks, visit by visit; `always` is how many there were each time. */
function byStep(visits) {
  return [...visits[0].keys()].map((step) => {
    const longTasks = visits.map((steps) => steps.get(step) ?? [])
    return { step, always: Math.min(...longTasks.map(({ length }) => length)), longTasks }
  })
}

/** Runs in the page, before its own scripts. */
function observe(milestone) {
  const observed = { longTasks: [], milestoneAt: null }
  globalThis.observed = observed
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) observed.longTasks.push({ start: startTime, ms: duration })
  }).observe({ type: 'longtask', buffered: true })
  const awaited = Object.entries(milestone)
  if (awaited.length === 0) return
  const watcher = new MutationObserver(() => {
    if (!awaited.every(([selector, count]) => document.querySelectorAll(selector).length >= count)) return
    watcher.disconnect()
    requestAnimationFrame(() =>
      setTimeout(() => {
        observed.milestoneAt = performance.now()
      }),
    )
  })
  watcher.observe(document, { subtree: true, childList: true, attributes: true })
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0)
}

function spread(times) {
  const sorted = times.toSorted((a, b) => a - b)
  return { median: sorted[sorted.length >> 1], min: sorted[0], max: sorted.at(-1) }
}

function report({ machine: { processor, cores, loadAtStart, chromium: version, commit }, ...results }) {
  const { firstView: view, firstExplanation: explanation, javaScript, longTasks } = results
  const seconds = (title, { median, min, max }) =>
    `  ${title.padEnd(52)}${[median, min, max].map((ms) => (ms / 1000).toFixed(2).padStart(8)).join('')}`
  const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`
  const tasks = (title, times) => {
    const longest = Math.max(0, ...times.flat())
    const counts = times.map(({ length }) => String(length).padStart(3)).join('')
    return `  ${title.padEnd(52)}${counts}${longest > 0 ? `   longest ${longest.toFixed(0)} ms` : ''}`
  }
  const steps = (measured) => measured.map(({ step, longTasks }) => tasks(`  ${step}`, longTasks))
  return [
    `page · ${processor}, ${cores} cores, load ${loadAtStart} at the start · Chromium ${version} · ${commit}`,
    results.device,
    '',
    `${`Seconds from navigation, ${rounds} fresh profiles`.padEnd(54)}  median     min     max`,
    seconds('the first view: pictures and a prediction', view),
    seconds('the first explanation: 1,000 samples, felzenszwalb', explanation),
    '',
    `JavaScript for the first view: ${kilobytes(javaScript.gzipped)} gzipped, ${kilobytes(javaScript.bytes)}, ${javaScript.files} files`,
    '',
    "The main thread's tasks over 50 ms, each time",
    tasks('while the first view loads', longTasks.loading),
    '  while it explains',
    ...steps(longTasks.explaining),
    '  while it trains',
    ...steps(longTasks.training),
  ]
}
