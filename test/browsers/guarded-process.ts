import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const guard = fileURLToPath(new URL('./guarded-process.mjs', import.meta.url))
const patienceMs = 60_000

/** A program with a folder of its own, of which nothing is left when this process ends, however it ends. */
export class GuardedProcess {
  private printed = ''

  private constructor(
    readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.printed += text
    })
  }

  /** `words` and `environment` may depend on the folder. */
  static async start(
    program: string,
    words: (folder: string) => readonly string[],
    environment: (folder: string) => NodeJS.ProcessEnv = () => ({}),
  ): Promise<GuardedProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'limelight-browser-'))
    const child = spawn(process.execPath, [guard, folder, program, ...words(folder)], {
      env: { ...process.env, ...environment(folder) },
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    return new GuardedProcess(folder, child)
  }

  /** Waits until it has printed this, and gives the match. @throws Error with all it printed when it ends before, or in a minute */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    return this.until(async () => pattern.exec(this.printed), `nothing that matches ${pattern} was printed`)
  }

  /** Waits until `ask` gives something; it may fail until then. */
  async until<T>(ask: () => Promise<T | null>, complaint: string): Promise<T> {
    const deadline = performance.now() + patienceMs
    for (;;) {
      const answer = await ask().catch(() => null)
      if (answer !== null) return answer
      if (this.child.exitCode !== null || performance.now() > deadline)
        throw new Error(`${this.child.spawnargs.slice(3).join(' ')}: ${complaint}. It printed:\n${this.printed}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null) return
    const ended = once(this.child, 'exit')
    this.child.stdin?.end()
    await ended
  }
}
