import { execFileSync } from 'node:child_process'

/** Vitest's global setup: builds dist/, so that the tests of the command run the program its users run. */
export default function buildCommand(): void {
  execFileSync('npm', ['run', '-s', 'build:cli'], { stdio: ['ignore', 'ignore', 'inherit'] })
}
