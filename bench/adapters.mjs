/**
 * The WebGPU adapters that Node can have. Dawn takes what the Vulkan loader gives it, and the loader the driver that
 * VK_ICD_FILENAMES names, so one run can measure several, each in processes of its own.
 */
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { processStarter } from './processes.mjs'

/** Where drivers are described: the system's, and what Chromium and Chrome bring. */
const folders = [
  '/usr/share/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
  '/etc/vulkan/icd.d',
  '/usr/lib/chromium',
  '/usr/lib/chromium-browser',
  '/opt/google/chrome',
]

/** Software ones, by the names of their descriptions (lvp_icd.json, lvp_icd.x86_64.json). */
const software = { lavapipe: /^lvp_icd\b.*\.json$/, swiftshader: /^vk_swiftshader_icd\.json$/ }

/** The loader's own choice: a real GPU where there is one. */
export const systemAdapter = 'system'

/** The software adapters that are installed. */
const softwareAdapters = () => Object.keys(software).filter((name) => descriptionOf(name))

/** The system's adapter if it is a real GPU; else the software ones, or at least what the system says. */
export async function adaptersHere() {
  const { ask, close } = processStarter(adapterNamed(systemAdapter).environment)({ peer: 'ceiling' })
  const { isFallback } = await ask({ ask: 'adapter', options: { device: 'webgpu' } })
  await close()
  if (isFallback === false) return [systemAdapter]
  const software = softwareAdapters()
  return software.length > 0 ? software : [systemAdapter]
}

/**
 * @param {string} adapter 'system', 'lavapipe', 'swiftshader', or the path of a driver's description (an ICD's .json)
 * @returns {{ title: string, environment: Record<string, string> }}
 * @throws {Error} that says where was looked when there is none
 */
export function adapterNamed(adapter) {
  // lavapipe puts its cache there and won't start without.
  const runtime = process.env.XDG_RUNTIME_DIR ? {} : { XDG_RUNTIME_DIR: tmpdir() }
  if (adapter === systemAdapter) return { title: 'Node', environment: runtime }
  const description = adapter.endsWith('.json') ? existsSync(adapter) && adapter : descriptionOf(adapter)
  if (!description) throw new Error(`no adapter "${adapter}": no driver of this name in ${folders.join(', ')}`)
  return {
    title: `Node, ${basename(adapter, '.json')}`,
    environment: { ...runtime, VK_ICD_FILENAMES: description, VK_DRIVER_FILES: description },
  }
}

function descriptionOf(name) {
  if (!software[name]) return undefined
  for (const folder of folders.filter((folder) => existsSync(folder))) {
    const found = readdirSync(folder).find((file) => software[name].test(file))
    if (found) return join(folder, found)
  }
}
