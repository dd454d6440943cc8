import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chromium } from 'playwright'

/** Flags for a headless Chromium on a closed network, with WebGPU on whatever adapter there is (SwiftShader if no GPU). */
export const chromiumFlags = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--disable-quic',
  '--disable-sync',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
]

const systemBrowsers = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/**
 * The Chromium the tests run in: CHROME_PATH, else Playwright's own download, else the system's. If there is none, it
 * is installed: from Debian's packages as root on Debian, else by Playwright.
 * @throws Error that says what to install when none is found and none can be installed
 */
export function findChromium(): string {
  const named = process.env.CHROME_PATH
  if (named) {
    if (!existsSync(named)) throw new Error(`CHROME_PATH is ${named}, but there is no such file`)
    return named
  }
  const found = [chromium.executablePath(), ...systemBrowsers].find((path) => existsSync(path))
  if (found) return found
  const isDebianRoot = process.getuid?.() === 0 && existsSync('/etc/debian_version')
  const attempts = isDebianRoot
    ? [
        ['apt-get', 'update', '-qq'],
        ['apt-get', 'install', '-y', '-qq', 'chromium'],
      ]
    : [[process.execPath, 'node_modules/playwright/cli.js', 'install', 'chromium']]
  console.error(`No Chromium found; installing one: ${attempts.map((words) => words.join(' ')).join(' && ')}`)
  try {
    for (const [program, ...words] of attempts) execFileSync(program, words, { stdio: ['ignore', 'ignore', 'inherit'] })
  } catch {
    // The message below says what to do; the installer has printed its own reason.
  }
  const installed = [chromium.executablePath(), ...systemBrowsers].find((path) => existsSync(path))
  if (installed) return installed
  throw new Error(
    'The tests need a Chromium. Install one (Debian: apt-get install chromium; elsewhere: npx playwright install chromium) or set CHROME_PATH to its executable.',
  )
}

/** The browser project's global setup: a missing Chromium is installed, or stops the project with one clear error. */
export function setup(): void {
  findChromium()
}
