/**
 * `npm run bench -- batch-summary [--rows 1000000]`: what `limelight batch summary` takes of time and memory for few and for very many
 * rows. A real shard of test images is computed once and lies there under as many names as it takes.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ args: process.argv.slice(3), options: { rows: { type: 'string', default: '1000000' } } })
const root = fileURLToPath(new URL('..', import.meta.url))
const limelight = [join(root, 'dist/cli.js'), 'batch']
const folder = mkdtempSync(join(tmpdir(), 'limelight-summary-'))

/** Prints a process's own figures as it ends. */
const figures = `data:text/javascript,process.on('exit', () => { const { maxRSS, userCPUTime } = process.resourceUsage(); process.stderr.write(JSON.stringify({ maxRSS, userCPUTime })) })`

function summaryOf(output) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', figures, ...limelight, 'summary', output, '--json'],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
  return { ...JSON.parse(stdout), ...JSON.parse(stderr) }
}

try {
  const run = join(folder, 'run.json')
  writeFileSync(
    run,
    JSON.stringify({
      version: 1,
      request: { version: 1, method: 'lime', samples: 1000 },
      model: { source: join(root, 'models/fashion-cnn.safetensors') },
      images: { source: 'test-set', first: 0, end: 512 },
      shardSize: 512,
      output: join(folder, 'out'),
    }),
  )
  execFileSync(process.execPath, [...limelight, 'run', run], { stdio: 'inherit' })
  const [part] = readdirSync(join(folder, 'out')).filter((name) => name.startsWith('part-'))
  const file = join(folder, 'out', part)
  const { rows } = summaryOf(file)
  for (const wanted of [rows, Number(values.rows) / 100, Number(values.rows)]) {
    const output = join(folder, `rows-${wanted}`)
    mkdirSync(output)
    const first = join(output, 'part-0.parquet')
    copyFileSync(file, first)
    for (let i = 1; i < Math.ceil(wanted / rows); i++) linkSync(first, join(output, `part-${i}.parquet`))
    const found = summaryOf(output)
    const [memory, seconds] = [found.maxRSS / 1024, found.userCPUTime / 1e6]
    console.log(
      `${found.rows} rows of ${found.shards} files of ${statSync(file).size} bytes: ${memory.toFixed(0)} MiB at most, ${seconds.toFixed(1)} s of processor time`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
