/** Starts contenders as processes: Node's and PyTorch's. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const file = (path) => fileURLToPath(new URL(path, import.meta.url))

/** Debian's own interpreter, where apt-get puts python3-torch; another with the variable PYTHON. */
const python = process.env.PYTHON ?? '/usr/bin/python3'

/** glibc gives big blocks back to the system after every use and faults them in again; this keeps them. */
const keepMemory = {
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: '8589934592',
  MALLOC_TOP_PAD_: '268435456',
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
}

/**
 * @param environment is added to each process's
 * @param {Record<string, string>} [folders] peers get these and `modules`, the peers' packages, among their options
 * @returns (contender, { cold }?) -> { ask, close }
 */
export function processStarter(environment = {}, folders = {}) {
  const places = { modules: file('node_modules'), ...folders }
  return ({ peer, options }, { cold = false } = {}) => {
    const [program, ...words] =
      peer === 'pytorch'
        ? [python, file('peers/pytorch.py')]
        : [process.execPath, file('contender-process.mjs'), options?.relaxed === false ? 'strict' : 'relaxed']
    // What tuning found on this machine before is no part of what is measured.
    const memory = mkdtempSync(join(tmpdir(), 'limelight-bench-'))
    const child = spawn(program, words, {
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...environment,
        ...(options?.tuned && keepMemory),
        LIMELIGHT_DATA: memory,
        // Mesa keeps compiled kernels on the disk.
        ...(cold && { MESA_SHADER_CACHE_DISABLE: 'true' }),
      },
    })
    let complaint = ''
    child.stderr.on('data', (text) => {
      complaint = (complaint + text).slice(-2000)
    })
    child.stdin.on('error', () => {})
    const answers = createInterface({ input: child.stdio[3] })[Symbol.asyncIterator]()
    const gone = new Promise((resolve) => {
      child.on('error', ({ message }) => resolve({ error: message }))
      child.on('close', (code, signal) =>
        resolve({ error: `it ended (${signal ?? code}): ${complaint.trim().split('\n').pop() ?? ''}`.trim() }),
      )
    })
    return {
      async ask(message) {
        if (message.options) message = { ...message, options: { ...message.options, ...places } }
        child.stdin.write(`${JSON.stringify(message)}\n`)
        const line = answers.next().then(({ value, done }) => (done ? gone : JSON.parse(value)))
        return Promise.race([line, gone])
      },
      async close() {
        child.stdin.end()
        const timer = setTimeout(() => child.kill('SIGKILL'), 2000)
        await gone
        clearTimeout(timer)
        rmSync(memory, { recursive: true, force: true })
      },
    }
  }
}
