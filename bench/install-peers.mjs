/** Installs the peers into bench/ where they aren't, or not as the lock asks. */
import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/** @param {(text: string) => void} say */
export function installPeers(say) {
  if (arePeersInstalled()) return
  say('installing the peers: npm ci --prefix bench')
  try {
    execFileSync('npm', ['ci', '--prefix', here('.'), '--no-audit', '--no-fund'], { stdio: ['ignore', 2, 2] })
  } catch {
    say('the peers could not be installed: their rows will say so')
  }
}

/** npm's own note of what it installed, not older than what it should install. */
function arePeersInstalled() {
  const changed = (path) => statSync(here(path), { throwIfNoEntry: false })?.mtimeMs ?? 0
  return changed('node_modules/.package-lock.json') >= changed('package-lock.json')
}
