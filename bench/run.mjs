/**
 * `npm run bench [-- cpu|webgpu|reference] [options]`: what the tutorial's work takes on one device; on `cpu` beside the
 * libraries it is measured against, in Node and in Chromium, in one run. They are installed into bench/ on first use.
 * Prints tables and writes bench/results/<device>.json and .svg.
 *
 *   --only ours,tfjs      peers whose name contains one of these (ours is always there: the ratios need it)
 *   --hosts node,chromium
 *   --items forward,training,explanation
 *   --rounds N            interleaved rounds, 9
 *   --quick               three rounds and a small budget: to see whether it works
 *   --out DIR             a run that is quick or leaves something out goes to bench/results/partial/ unless this says otherwise
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { contendersOn, peers } from './contenders.mjs'
import { cores, machine } from './machine.mjs'
import { measure } from './measure.mjs'
import { startProcess } from './processes.mjs'
import { report } from './report.mjs'
import { amounts, items } from './work.mjs'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    hosts: { type: 'string', default: 'node,chromium' },
    items: { type: 'string', default: Object.keys(items).join() },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
})
const device = positionals[0] ?? 'cpu'
const only = values.only && peers.filter((peer) => values.only.split(',').some((part) => peer.includes(part)))
const rounds = Number(values.rounds ?? (values.quick ? 3 : 9))
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const say = (text) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)

if (device === 'cpu' && !peersInstalled()) {
  say('installing the peers: npm ci --prefix bench')
  try {
    execFileSync('npm', ['ci', '--prefix', here('.'), '--no-audit', '--no-fund'], { stdio: ['ignore', 2, 2] })
  } catch {
    say('the peers could not be installed: their rows will say so')
  }
}

const about = machine()
const hosts = values.hosts.split(',')
const everyone = contendersOn(device, { cores, hosts, only })
const ceilings = {}
const rows = []
const settings = {
  amounts: amounts.whole,
  rounds,
  budgetMs: values.quick ? 3000 : 20_000,
  wanted: values.items.split(','),
  say,
}

async function measureIn(host, start) {
  const result = await measure(
    everyone.filter((contender) => contender.host === host),
    start,
    { ...settings, say: (text) => say(`${host}: ${text}`) },
  )
  rows.push(...result.rows)
  ceilings[host] = result.ceiling
}

if (hosts.includes('node')) await measureIn('node', startProcess)
if (device === 'cpu' && hosts.includes('chromium')) {
  try {
    // Loaded late: Node's part shall run where there is no browser and no bundler.
    const browser = await (await import('./chromium.mjs')).openChromium()
    about.chromium = browser.version
    await measureIn('chromium', browser.start)
    await browser.close()
  } catch (error) {
    const why = `Chromium: ${error.message.split('\n')[0]}`
    for (const item of settings.wanted) rows.push({ item, host: 'chromium', name: 'all', why })
  }
}
if (process.stderr.isTTY) say('')

const results = { date: new Date().toISOString().slice(0, 10), device, machine: about, rounds, ceilings, rows }
console.log(report(results))
const whole = !values.quick && !only && hosts.length === 2 && settings.wanted.length === Object.keys(items).length
const folder = values.out ?? here(whole ? 'results' : 'results/partial')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, `${device}.json`), `${JSON.stringify(results, rounded, 2)}\n`)
if (rows.some((row) => !row.why))
  writeFileSync(join(folder, `${device}.svg`), (await import('./chart.mjs')).chart(results))
console.log(`\nWritten: ${join(folder, device)}.json and .svg`)

/** npm's own note of what it installed, not older than what it should install. */
function peersInstalled() {
  const changed = (path) => statSync(here(path), { throwIfNoEntry: false })?.mtimeMs ?? 0
  return changed('node_modules/.package-lock.json') >= changed('package-lock.json')
}

/** Four digits are more than the noise leaves. */
function rounded(_key, value) {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}
