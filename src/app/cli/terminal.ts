import { constants } from 'node:os'
import { SingleBar } from 'cli-progress'
import type { DeviceName } from '../../engine/open-device.ts'
import { visible } from './visible-text.ts'

/** What people watch goes to stderr; stdout holds the result alone, so that it can be piped. */
export function note(text: string): void {
  clearLine()
  process.stderr.write(`${visible(text)}\n`)
}

let lineIsOpen = false

/** Replaces the current line; on anything but a terminal only finished lines are written. */
export function updateLine(text: string): void {
  if (!process.stderr.isTTY) return
  clearLine()
  process.stderr.write(visible(text).slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1)))
  lineIsOpen = true
}

function clearLine(): void {
  if (lineIsOpen) process.stderr.write('\r\x1b[K')
  lineIsOpen = false
}

export function result(text: string): void {
  clearLine()
  process.stdout.write(`${visible(text)}\n`)
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

/**
 * A bar on stderr for work that counts; nothing where stderr is not a terminal. It is narrow enough for the line, and changes
 * neither the cursor nor the wrapping of lines: whoever is killed restores nothing.
 */
export function progressBar(label: string): { update(done: number, total: number): void; stop(): void } {
  const bar = new SingleBar({
    format: `${label} [{bar}] {value}/{total}, {eta_formatted} left`,
    barCompleteChar: '=',
    barIncompleteChar: '.',
    barsize: Math.max(5, Math.min(40, (process.stderr.columns ?? 80) - 40)),
    hideCursor: false,
    linewrap: true,
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

/** The signals that ask a program to end: Ctrl-C, and what `kill`, service managers and job queues send. */
type EndingSignal = 'SIGINT' | 'SIGTERM'

/**
 * Signals within so many milliseconds are one: npx passes on what the terminal or the service manager sent to all its processes, this
 * one among them.
 */
const sameSignalMs = 1000

/**
 * Aborted by Ctrl-C and by SIGTERM: long work stops at its next step, and puts away its locks and temporary files. A signal
 * a second or more after that is left to the system, which ends the process at once. `consequence` is what people then want to know, such as
 * what became of their files.
 * @param device what is to compute. The reference device computes for minutes without looking up, so that both signals
 * could go unheard: with it, the first is the system's already.
 */
export function interruptSignal(consequence?: string, device?: DeviceName): AbortSignal {
  return device === 'reference' ? new AbortController().signal : heardSignals(consequence).interrupted
}

/** Aborts what `work` waits for, as interruptSignal() does; afterwards signals are the system's again, or whose they were. */
export async function whileInterruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  consequence?: string,
): Promise<T> {
  const { interrupted, stopHearing } = heardSignals(consequence)
  try {
    return await work(interrupted)
  } finally {
    stopHearing()
  }
}

function heardSignals(consequence?: string): { readonly interrupted: AbortSignal; stopHearing(): void } {
  const controller = new AbortController()
  const signals: readonly EndingSignal[] = ['SIGINT', 'SIGTERM']
  let same: NodeJS.Timeout | undefined
  const stopHearing = () => {
    clearTimeout(same)
    for (const name of signals) process.off(name, abort)
  }
  const abort = (signal: EndingSignal) => {
    if (controller.signal.aborted) return
    same = setTimeout(stopHearing, sameSignalMs).unref()
    controller.abort(new InterruptedError(signal, consequence))
  }
  for (const name of signals) process.on(name, abort)
  return { interrupted: controller.signal, stopHearing }
}

export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
  /** As shells have it: 128 and the signal's number. */
  readonly exitCode: number

  constructor(signal: EndingSignal, consequence?: string) {
    super(consequence ? `interrupted; ${consequence}` : 'interrupted')
    this.exitCode = 128 + constants.signals[signal]
  }
}
