/**
 * `node guarded-process.mjs FOLDER PROGRAM WORDS…`: runs a program that must not outlive whoever started it. When its standard
 * input closes, as it does when that process ends, be it killed, the program and all that it has started are killed, and the
 * folder with what they wrote is removed. What the program prints goes to standard error.
 */
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'

const [folder, program, ...words] = process.argv.slice(2)
const child = spawn(program, words, { detached: true, stdio: ['ignore', 2, 2] })

function end(code) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
  // The last of them may be about to write yet.
  rmSync(folder, { recursive: true, force: true, maxRetries: 20 })
  process.exit(code)
}

child.on('error', ({ message }) => {
  console.error(`${program}: ${message}`)
  end(1)
})
child.on('exit', (code) => end(code ?? 1))
process.stdin.resume().on('end', () => end(0))
// A terminal's Ctrl-C goes to all: whoever started this one decides.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
