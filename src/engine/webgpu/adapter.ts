import { DeviceError } from '../errors.ts'
import { isNode, nodeModule } from '../platform/node-module.ts'
import { createInstance, type Dawn, importDawn } from './dawn.ts'

/**
 * Finds a WebGPU adapter: the browser's, or in Node the npm package `webgpu` (Dawn). Nothing of Node's is imported when
 * this module loads, so it bundles for the browser.
 */
export interface OpenAdapter {
  readonly adapter: GPUAdapter
  readonly name: string
  readonly isFallback: boolean
}

/** @throws DeviceError that says what to do when there is no WebGPU, or no adapter that is allowed */
export async function findAdapter(allowFallback: boolean): Promise<OpenAdapter> {
  const browser: GPU | undefined = globalThis.navigator?.gpu
  const found = browser
    ? await requestFrom(browser, allowFallback)
    : isNode
      ? await findInNode(allowFallback)
      : noWebGPU()
  if (found) return found
  throw new DeviceError(
    allowFallback ? noAdapter() : 'webgpu: no hardware adapter. Allow a software one (slow), or take the device "cpu".',
  )
}

/** What can be done about it depends on where this runs: whoever sits before a browser installs nothing in Node. */
function noAdapter(): string {
  return isNode
    ? 'webgpu: no adapter. Install a Vulkan driver (Debian: apt-get install libvulkan1 mesa-vulkan-drivers) or Chromium, whose SwiftShader is used; or take the device "cpu".'
    : 'webgpu: this browser finds no graphics adapter. Its settings may have graphics acceleration switched off, or its graphics driver may be too old; Chromium on Linux needs --enable-unsafe-webgpu; or take the device "cpu".'
}

function noWebGPU(): never {
  throw new DeviceError(
    'webgpu: this browser has no WebGPU here (navigator.gpu is missing). It needs a secure page (https or localhost) and a recent Chrome, Edge, Safari or Firefox; or take the device "cpu".',
  )
}

async function requestFrom(instance: GPU, allowFallback: boolean): Promise<OpenAdapter | null> {
  const request = (wish: GPURequestAdapterOptions) =>
    instance.requestAdapter(wish).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new DeviceError(`webgpu: no adapter: ${why}`, { cause })
    })
  const adapter =
    (await request({ powerPreference: 'high-performance' })) ??
    (allowFallback ? await request({ forceFallbackAdapter: true }) : null)
  if (!adapter) return null
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info
  // wgpu tells a vendor's number, not its name.
  const words = [vendor, architecture, description || device].filter((word) => !/^\d*$/.test(word))
  const isFallback =
    isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test([...words, device].join(' '))
  if (isFallback && !allowFallback) return null
  return { adapter, name: words.join(' ') || 'an adapter that does not say its name', isFallback }
}

/**
 * Dawn writes to stderr, whatever it is told, about every driver that it looks at: that there is none, that there is no GPU
 * for one, or that a software adapter promises more than WebGPU needs. So on Linux it looks only where something is to be
 * found: without a driver not at all, for GPUs only where there is one, and then past the software drivers. If the
 * environment names a driver, that is the one.
 */
function findInNode(allowFallback: boolean): Promise<OpenAdapter | null> {
  const found = lastSearch.then(() => searchInNode(allowFallback))
  lastSearch = found.catch(() => {})
  return found
}

/** Searches change the environment for a while, so that one follows another. */
let lastSearch: Promise<unknown> = Promise.resolve()

async function searchInNode(allowFallback: boolean): Promise<OpenAdapter | null> {
  const dawn = await importDawn()
  if (process.platform !== 'linux') return requestFrom(createInstance(dawn), allowFallback)
  if (isDriverNamed()) return hasVulkan() ? requestFrom(createInstance(dawn), allowFallback) : null
  const request = (isSoftwareWanted: boolean) => requestFrom(createInstance(dawn), isSoftwareWanted)
  const hardware =
    hasGraphicsDevice() && hasVulkan()
      ? await withEnvironment('VK_LOADER_DRIVERS_DISABLE', '*lvp_icd*,*swiftshader*', () => request(false))
      : null
  if (hardware || !allowFallback) return hardware
  return (hasVulkan() ? await request(true) : null) ?? requestFromChromium(dawn)
}

function isDriverNamed(): boolean {
  return Boolean(process.env.VK_ICD_FILENAMES || process.env.VK_DRIVER_FILES)
}

/** Whether the kernel has a GPU that computes: a render node, or what the drivers of some vendors make in its place. */
function hasGraphicsDevice(): boolean {
  const { existsSync, readdirSync } = nodeModule('node:fs')
  const isIn = (folder: string, name: RegExp) =>
    existsSync(folder) && readdirSync(folder).some((file) => name.test(file))
  return isIn('/dev/dri', /^renderD/) || isIn('/dev', /^(nvidia\d|dxg|kgsl|mali)/)
}

/**
 * The Vulkan loader reads its variables while Dawn makes its instance; other processes need not inherit them. Whoever looks for
 * an adapter meanwhile waits, see findInNode: else it would take what it finds for the user's, and put it back for good.
 */
async function withEnvironment<T>(name: string, value: string, action: () => Promise<T>): Promise<T> {
  const before = process.env[name]
  process.env[name] = value
  try {
    return await action()
  } finally {
    if (before === undefined) delete process.env[name]
    else process.env[name] = before
  }
}

/** Where the Vulkan loader looks for the descriptions of drivers, unless it is told. */
const driverFolders = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d']

function hasVulkan(): boolean {
  if (!loadLibrary('libvulkan.so.1')) return false
  if (isDriverNamed()) return true
  const { existsSync, readdirSync } = nodeModule('node:fs')
  return driverFolders.some((folder) => existsSync(folder) && readdirSync(folder).length > 0)
}

const chromiumFolders = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome']

/** Every Chromium brings SwiftShader, a Vulkan driver that runs on the processor, and the loader it needs. */
async function requestFromChromium(dawn: Dawn): Promise<OpenAdapter | null> {
  const { existsSync } = nodeModule('node:fs')
  for (const folder of chromiumFolders) {
    const driver = `${folder}/vk_swiftshader_icd.json`
    if (!existsSync(driver)) continue
    const loader = `${folder}/libvulkan.so.1`
    if (existsSync(loader)) loadLibrary(loader)
    const found = await withEnvironment('VK_ICD_FILENAMES', driver, () => requestFrom(createInstance(dawn), true))
    if (found) return found
  }
  return null
}

/**
 * Loads a shared library that is not a Node module and keeps it: Dawn asks for libvulkan.so.1 by name and gets the one
 * already loaded where the system has none. Node complains that it is no module of its own, which is expected;
 * RTLD_NODELETE outlives that.
 * @returns whether there is such a library
 */
function loadLibrary(path: string): boolean {
  const { constants } = nodeModule('node:os')
  const keep = 0x1000
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | keep)
    return true
  } catch (error) {
    return !/cannot open shared object/.test(error instanceof Error ? error.message : String(error))
  }
}
