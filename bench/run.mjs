/**
 * `npm run bench [-- cpu|webgpu|reference] [options]` (for `batch-summary`, `batch-throughput`, `lime`, `lime-limit`, `networks`, `onnx`, `page`, `queue`, `sampling` and `storm`, see the files of those names): what the tutorial's work takes on one device, beside the libraries it
 * is measured against, in Node and in Chromium, in one run. They are installed into bench/ on first use. On `webgpu` Node
 * measures each adapter there is, one after the other. Prints tables and writes bench/results/<device>.json and .svg.
 *
 *   --only ours,tfjs      peers whose name contains one of these (ours is always there: the ratios need it)
 *   --hosts node,chromium
 *   --adapters LIST       Node's WebGPU adapters: system, lavapipe, swiftshader, or a Vulkan driver's .json. Unless given, the
 *                         system's if it is a real GPU, else every software one
 *   --items LIST          of forward, training, convolution, cold, explanation, or items by name (forward-32); on webgpu also
 *                         page: whether ours stays responsive while it compiles, in Chromium
 *   --rounds N            interleaved rounds, 9
 *   --patience SECONDS    on webgpu, whose single run of an item would take longer is left out of it; 30
 *   --tune                on webgpu: ours once more, its kernels tuned on each adapter first (minutes); the table of kernels then
 *                         has all their variants
 *   --chromium-flags "…"  more flags for Chromium: a GPU under Linux may need --enable-features=Vulkan
 *   --quick               three rounds and a small budget: to see whether it works
 *   --out DIR             a run that is quick or leaves something out goes to bench/results/partial/ unless this says otherwise
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { adapterNamed, adaptersHere, systemAdapter } from './adapters.mjs'
import { contendersOn, peersNamed } from './contenders.mjs'
import { installPeers } from './install-peers.mjs'
import { cores, machine } from './machine.mjs'
import { measure } from './measure.mjs'
import { processStarter } from './processes.mjs'
import { devices, itemsOn } from './work.mjs'
import { writeResults } from './write-results.mjs'

if (
  [
    'batch-summary',
    'batch-throughput',
    'lime',
    'lime-limit',
    'networks',
    'onnx',
    'page',
    'queue',
    'sampling',
    'storm',
  ].includes(process.argv[2])
) {
  await import(`./${process.argv[2]}.mjs`)
  process.exit(process.exitCode)
}
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    hosts: { type: 'string', default: 'node,chromium' },
    adapters: { type: 'string' },
    items: { type: 'string' },
    rounds: { type: 'string' },
    patience: { type: 'string', default: '30' },
    tune: { type: 'boolean', default: false },
    'chromium-flags': { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
})
const device = positionals[0] ?? 'cpu'
if (!devices.includes(device)) fail(`no device "${device}"; there are ${devices.join(', ')}`)
const only = peersNamed(values.only)
const rounds = Number(values.rounds ?? (values.quick ? 3 : 9))
const words = values.items?.split(',')
const isAsked = ({ name }) => words.some((word) => name === word || name.startsWith(`${word}-`))
const items = itemsOn(device).filter((item) => !words || isAsked(item))
const measuresPage = device === 'webgpu' && (!words || words.includes('page'))
if (items.length === 0 && !measuresPage)
  fail(`no item "${values.items}"; there are ${itemsOn(device).map(({ name }) => name)}`)
const trainingSizes = items.filter(({ kind }) => kind === 'training').map(({ count }) => count)
const tune = values.tune ? [...new Set(trainingSizes.length > 0 ? trainingSizes : [32])] : []
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const say = (text) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)

if (device !== 'reference') installPeers(say)

const about = machine()
const wantedHosts = values.hosts.split(',')
/** Places in the order of the report: what they are, and what was found there. */
const hosts = {}
const rows = []
const settings = {
  device,
  items,
  rounds,
  budgetMs: values.quick ? 3000 : 20_000,
  ...(device === 'webgpu' && { patienceMs: Number(values.patience) * 1000 }),
}

async function measureIn(host, title, start) {
  hosts[host] = { title }
  if (items.length === 0) return
  const everyone = contendersOn(device, host, { cores, only, tune })
  const result = await measure(everyone, start, { ...settings, say: (text) => say(`${title}: ${text}`) })
  const { adapter, ceiling, kernels } = result
  hosts[host] = { title, ...(adapter && { adapter }), ceiling, ...(kernels.length > 0 && { kernels }) }
  rows.push(...result.rows)
}

/** Alone: other work would be waited for in the frames. */
async function measurePageIn(flags) {
  say('Chromium: opening the page')
  try {
    hosts.chromium.page = await (await import('./page-responsiveness.mjs')).measurePage(flags)
  } catch (error) {
    hosts.chromium.page = [{ name: 'the page', why: error.message.split('\n')[0] }]
  }
}

function cannot(host, title, why) {
  hosts[host] = { title }
  for (const item of items) rows.push({ item: item.name, host, name: 'all', why })
}

if (wantedHosts.includes('node')) {
  if (device !== 'webgpu') await measureIn('node', 'Node', processStarter())
  else
    for (const name of values.adapters?.split(',') ?? (await adaptersHere())) {
      const host = name === systemAdapter ? 'node' : `node ${name}`
      try {
        const { title, environment } = adapterNamed(name)
        await measureIn(host, title, processStarter(environment))
      } catch (error) {
        cannot(host, host, error.message)
      }
    }
}
if (device !== 'reference' && wantedHosts.includes('chromium')) {
  try {
    // Loaded late: Node's part shall run where there is no browser and no bundler.
    const flags = values['chromium-flags'].split(' ').filter(Boolean)
    const browser = await (await import('./chromium.mjs')).openChromium(flags)
    about.chromium = browser.version
    await measureIn('chromium', 'Chromium', browser.start)
    await browser.close()
    if (measuresPage) await measurePageIn(flags)
  } catch (error) {
    cannot('chromium', 'Chromium', `Chromium: ${error.message.split('\n')[0]}`)
  }
}
if (process.stderr.isTTY) say('')

const results = { date: new Date().toISOString().slice(0, 10), device, machine: about, rounds, hosts, rows }
const isWhole = !(values.quick || only || values.items || values.adapters) && wantedHosts.length === 2
writeResults(values.out ?? here(isWhole ? 'results' : 'results/partial'), results, itemsOn(device))

function fail(message) {
  console.error(message)
  process.exit(2)
}
