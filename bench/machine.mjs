/** Where the figures come from: processor, system, versions, and how busy the machine was with other work. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

export const cores = availableParallelism()

export function machine() {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    node: process.version,
    v8: process.versions.v8,
    loadAtStart: Number(loadavg()[0].toFixed(2)),
    limelight: JSON.parse(readFileSync(fileURLToPath(new URL('../package.json', import.meta.url)), 'utf8')).version,
    commit: commit(),
  }
}

function commit() {
  try {
    const git = (...words) =>
      execFileSync('git', words, {
        cwd: fileURLToPath(new URL('..', import.meta.url)),
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim()
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--untracked-files=no') ? ' with changes' : ''}`
  } catch {
    return 'unknown'
  }
}
