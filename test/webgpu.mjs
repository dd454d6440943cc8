/**
 * `npm run test:webgpu [-- chromium|swiftshader|lavapipe|deno …] [options of vitest]`: the WebGPU operation suite on the
 * named WebGPUs, or on all four in turn. Each is another pair of compiler and driver. The drivers named here compute on the
 * processor, so that every Linux machine can run the same:
 *
 *   chromium     Dawn in Chromium, on whatever adapter it finds: without a GPU its own SwiftShader
 *   swiftshader  Dawn in Node (the npm package `webgpu`), on Chromium's SwiftShader
 *   lavapipe     Dawn in Node, on Mesa's lavapipe; Dawn wants Mesa 25 or later
 *   deno         wgpu and Naga in Deno, on lavapipe: shares no code with Dawn
 *
 * What is missing fails, with a word on how to get it. Deno is fetched by npx.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'

const denoVersion = '2.9.6'
const vitest = ['node_modules/vitest/vitest.mjs', 'run']
const nodeSuite = [...vitest, '--project', 'node', 'test/engine/webgpu/device.test.ts']
// Devices that are collected while they are used: how soon Dawn falls over it depends on the driver.
const dawnSuite = [...nodeSuite, 'test/engine/webgpu/dawn.test.ts']
const browserSuite = [...vitest, '--project', 'browser', 'test/engine/webgpu.browser.test.ts']

// The expected names are regular expressions: Dawn tells a driver's name and version, wgpu its device's name.
const combinations = {
  chromium: () => ({
    command: [process.execPath, ...browserSuite],
    env: {},
  }),
  swiftshader: () => {
    const driver = findSwiftShader()
    return {
      command: [process.execPath, ...dawnSuite],
      // Chromium's own loader, should the system have none.
      env: { ...only(driver), LD_LIBRARY_PATH: appended(process.env.LD_LIBRARY_PATH, dirname(driver)) },
      adapter: 'SwiftShader',
    }
  },
  lavapipe: () => ({
    command: [process.execPath, ...dawnSuite],
    env: lavapipe(),
    adapter: 'llvmpipe: Mesa',
  }),
  deno: () => ({
    // `npm run -s` would silence npx as well: it says why, should Deno not come.
    command: ['npx', '--yes', '--loglevel=error', `deno@${denoVersion}`, 'run', '--allow-all', ...nodeSuite],
    env: lavapipe(),
    adapter: 'llvmpipe \\(LLVM',
  }),
}

/** Makes the Vulkan loader offer this driver alone, whatever else is installed. Old loaders know only the second name. */
function only(driver) {
  return { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver }
}

function lavapipe() {
  return {
    ...only(findLavapipe()),
    // Most of the time goes into compiling hundreds of small kernels; LLVM's optimizations double it.
    GALLIVM_PERF: process.env.GALLIVM_PERF ?? 'nopt',
  }
}

function findLavapipe() {
  const folders = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d']
  for (const folder of folders.filter((each) => existsSync(each))) {
    const name = readdirSync(folder).find((each) => /^lvp_icd.*\.json$/.test(each))
    if (name) return join(folder, name)
  }
  throw new Error(
    `no lavapipe (lvp_icd*.json) in ${folders.join(', ')}. Install Mesa's Vulkan drivers, version 25 or later (Debian 12: apt-get install -t bookworm-backports mesa-vulkan-drivers)`,
  )
}

function findSwiftShader() {
  const browsers = [process.env.CHROME_PATH, chromium.executablePath()].filter((path) => path)
  const folders = [...browsers.map((path) => dirname(path)), '/usr/lib/chromium', '/usr/lib/chromium-browser']
  const driver = folders.map((folder) => join(folder, 'vk_swiftshader_icd.json')).find((path) => existsSync(path))
  if (driver) return driver
  throw new Error(
    `no SwiftShader (vk_swiftshader_icd.json) in ${folders.join(', ')}. It comes with Chromium (Debian: apt-get install chromium)`,
  )
}

function appended(list, folder) {
  return list ? `${list}:${folder}` : folder
}

/** @returns whether every test passed */
function run(name, options) {
  console.error(`\n== ${name}`)
  try {
    const { command, env, adapter } = combinations[name]()
    const [program, ...words] = [...command, ...options]
    const { status, error } = spawnSync(program, words, {
      cwd: fileURLToPath(new URL('../', import.meta.url)),
      env: { ...process.env, ...env, LIMELIGHT_EXPECT_ADAPTER: adapter ?? process.env.LIMELIGHT_EXPECT_ADAPTER ?? '' },
      stdio: 'inherit',
    })
    if (error) throw error
    return status === 0
  } catch (error) {
    console.error(`${name}: ${error.message}`)
    return false
  }
}

const words = process.argv.slice(2)
const firstOption = words.findIndex((word) => word.startsWith('-'))
const options = firstOption < 0 ? [] : words.splice(firstOption)
const names = words.length > 0 ? words : Object.keys(combinations)
const unknown = names.find((name) => !Object.hasOwn(combinations, name))
if (unknown) {
  console.error(`"${unknown}" is none of ${Object.keys(combinations).join(', ')}`)
  process.exit(2)
}
const failed = names.filter((name) => !run(name, options))
console.error(failed.length > 0 ? `\nfailed: ${failed.join(', ')}` : `\npassed: ${names.join(', ')}`)
process.exitCode = failed.length > 0 ? 1 : 0
