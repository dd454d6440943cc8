import { SingleBar } from 'cli-progress'

/** What people watch goes to stderr; stdout holds the result alone, so that it can be piped. */
export function note(text: string): void {
  clearLine()
  process.stderr.write(`${text}\n`)
}

let lineIsOpen = false

/** Replaces the current line; on anything but a terminal only finished lines are written. */
export function updateLine(text: string): void {
  if (!process.stderr.isTTY) return
  clearLine()
  process.stderr.write(text.slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1)))
  lineIsOpen = true
}

function clearLine(): void {
  if (lineIsOpen) process.stderr.write('\r\x1b[K')
  lineIsOpen = false
}

export function result(text: string): void {
  clearLine()
  process.stdout.write(`${text}\n`)
}

/**
 * Output that nobody takes must not end the work: files are still to be written, a training to be finished. A reader of
 * stdout that left (`| head`) has what it wanted; any other failure loses the result, which is said and fails the command.
 */
export function surviveClosedOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return
    process.stderr.write(`limelight: can't write the result: ${error.message}\n`)
    process.exitCode = 1
  })
  process.stderr.on('error', () => {})
}

/** A bar on stderr for work that counts; nothing where stderr is not a terminal. */
export function progressBar(label: string): { update(done: number, total: number): void; stop(): void } {
  const bar = new SingleBar({
    format: `${label} [{bar}] {value}/{total} {eta_formatted}`,
    barCompleteChar: '=',
    barIncompleteChar: '.',
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
    noTTYOutput: false,
  })
  let started = false
  return {
    update(done, total) {
      if (!process.stderr.isTTY) return
      if (!started) bar.start(total, done)
      else bar.update(done)
      started = true
    },
    stop() {
      if (started) bar.stop()
      started = false
    },
  }
}

/**
 * Aborted by Ctrl-C: long work stops at its next step. A second Ctrl-C ends the process. `consequence` is what people
 * then want to know, such as what became of their files.
 */
export function interruptSignal(consequence?: string): AbortSignal {
  const controller = new AbortController()
  const message = consequence ? `interrupted; ${consequence}` : 'interrupted'
  process.once('SIGINT', () => controller.abort(new InterruptedError(message)))
  return controller.signal
}

export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
}
