/**
 * `npm run bench -- networks [options]`: what networks that people hold take, ours beside ONNX Runtime's and TensorFlow.js's builds, each
 * checked first to give the same outputs, in Node and in Chromium, in one run. Needs the models' folder (LIMELIGHT_MODELS, or ../shared/models).
 * Prints tables and writes bench/results/networks.json and .svg.
 *
 *   --networks LIST   by name
 *   --items LIST      of latency, throughput, loading, explanation
 *   --only LIST       peers whose name contains one of these (ours is always there: the ratios need it)
 *   --hosts node,chromium
 *   --devices cpu,webgpu
 *   --threads LIST    on the processor: one and as many as there are cores
 *   --adapters LIST   Node's WebGPU adapters, as for `npm run bench -- webgpu`
 *   --patience SECONDS  on WebGPU, whose single run would take longer is left out; 60
 *   --chromium-flags "…"  more flags for Chromium
 *   --rounds N        interleaved rounds, 9
 *   --quick           three rounds and a small budget: to see whether it works
 *   --out DIR         a run that is quick or leaves something out goes to bench/results/partial/ unless this says otherwise
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { adapterNamed, adaptersHere, systemAdapter } from './adapters.mjs'
import { contendersOnNetwork, peersNamed } from './contenders.mjs'
import { installPeers } from './install-peers.mjs'
import { cores, machine } from './machine.mjs'
import { measure } from './measure.mjs'
import { itemsOf, networks } from './networks/known.mjs'
import { processStarter } from './processes.mjs'
import { writeResults } from './write-results.mjs'

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    networks: { type: 'string' },
    items: { type: 'string' },
    only: { type: 'string' },
    hosts: { type: 'string', default: 'node,chromium' },
    devices: { type: 'string', default: 'cpu,webgpu' },
    threads: { type: 'string' },
    adapters: { type: 'string' },
    patience: { type: 'string', default: '60' },
    'chromium-flags': { type: 'string', default: '' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
})
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const say = (text) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
const list = (words) => words?.split(',')
const names = networks.map(({ name }) => name)
const unknown = list(values.networks)?.find((name) => !names.includes(name))
if (unknown) fail(`no network "${unknown}"; there are ${names.join(', ')}`)
const asked = networks.filter(({ name }) => !values.networks || list(values.networks).includes(name))
const rounds = Number(values.rounds ?? (values.quick ? 3 : 9))
const threads = list(values.threads)?.map(Number) ?? [...new Set([1, cores])]
const only = peersNamed(values.only)
const models = process.env.LIMELIGHT_MODELS ?? here('../../shared/models')
if (!existsSync(models)) fail('the models are not there: LIMELIGHT_MODELS=FOLDER')

installPeers(say)
const about = machine()
const folder = mkdtempSync(join(tmpdir(), 'limelight-networks-'))
/** Places in the order of the report. */
const hosts = {}
const items = []
const rows = []

/** One network after the other; of one whose files can't be had, rows say why. */
async function measureIn(host, title, device, start) {
  hosts[host] = { title, ceiling: {} }
  for (const network of asked) {
    const wanted = wantedOf(network, device)
    if (wanted.length === 0) continue
    if (network.why) cannot(host, wanted, network.why)
    else addResult(hosts[host], await measureNetwork(network, host, device, wanted, start))
  }
}

function measureNetwork(network, host, device, wanted, start) {
  const { name, format, shape, amplitude, isExplained, files, forPyTorch } = network
  const contenders = contendersOnNetwork(network, device, host, { threads, only }).map((contender) => ({
    ...contender,
    options: { ...contender.options, network: { name, format, shape, amplitude, isExplained, files, forPyTorch } },
  }))
  return measure(contenders, start, {
    device,
    items: wanted,
    comparedBatches: isExplained ? [] : [...new Set(wanted.map(({ count }) => count))],
    comparedSamples: 64,
    rounds,
    budgetMs: values.quick ? 3000 : 20_000,
    ...(device === 'webgpu' && { patienceMs: Number(values.patience) * 1000 }),
    say: (text) => say(`${hosts[host].title}: ${name}: ${text}`),
  })
}

/** The ceiling is measured anew for every network: the highest counts. */
function addResult(place, { rows: measured, adapter, ceiling }) {
  rows.push(...measured)
  if (adapter) place.adapter = adapter
  for (const [name, rate] of Object.entries(ceiling)) place.ceiling[name] = Math.max(place.ceiling[name] ?? 0, rate)
}

function cannot(host, wanted, why) {
  for (const item of wanted) rows.push({ item: item.name, host, name: 'all', why })
}

/** What is asked of a network on a device, and noted for the report. */
function wantedOf(network, device) {
  const wanted = itemsOf(network, device).filter(({ what }) => !values.items || list(values.items).includes(what))
  for (const item of wanted) if (!items.some(({ name }) => name === item.name)) items.push(item)
  return wanted
}

/** @param {() => Promise<void>} work of the place, or its rows say what went wrong */
async function attempt(host, title, device, work) {
  try {
    await work()
  } catch (error) {
    hosts[host] ??= { title }
    for (const network of asked) cannot(host, wantedOf(network, device), error.message.split('\n')[0])
  }
}

async function measureInNode(device) {
  if (device === 'cpu') return measureIn('node', 'Node', device, processStarter({}, folders))
  for (const name of list(values.adapters) ?? (await adaptersHere())) {
    const host = name === systemAdapter ? 'node webgpu' : `node ${name}`
    await attempt(host, host, device, () => {
      const { title, environment } = adapterNamed(name)
      return measureIn(
        host,
        name === systemAdapter ? `${title}, WebGPU` : title,
        device,
        processStarter(environment, folders),
      )
    })
  }
}

async function measureInChromium() {
  // Loaded late: Node's part shall run where there is no browser and no bundler.
  const { openChromium } = await import('./chromium.mjs')
  const browser = await openChromium(values['chromium-flags'].split(' ').filter(Boolean), folders)
  about.chromium = browser.version
  try {
    for (const device of devices) {
      const [host, title] = device === 'cpu' ? ['chromium', 'Chromium'] : ['chromium webgpu', 'Chromium, WebGPU']
      await attempt(host, title, device, () => measureIn(host, title, device, browser.start))
    }
  } finally {
    await browser.close()
  }
}

const devices = list(values.devices)
const folders = { networks: folder }
try {
  for (const network of asked)
    try {
      say(`making the files of ${network.title}`)
      network.files = await network.provide(models, folder)
    } catch (error) {
      network.why = error.message.split('\n')[0]
    }
  if (list(values.hosts).includes('node')) for (const device of devices) await measureInNode(device)
  if (list(values.hosts).includes('chromium')) await attempt('chromium', 'Chromium', devices[0], measureInChromium)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (process.stderr.isTTY) say('')

const date = new Date().toISOString().slice(0, 10)
const isPartial = ['networks', 'items', 'only', 'threads', 'adapters'].some((name) => values[name]) || values.quick
const isWhole = !isPartial && list(values.hosts).length === 2 && devices.length === 2
const results = { date, device: 'networks', machine: about, rounds, hosts, rows }
writeResults(values.out ?? here(isWhole ? 'results' : 'results/partial'), results, items)

function fail(message) {
  console.error(message)
  process.exit(2)
}
