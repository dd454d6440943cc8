import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { openRun } from '../../../src/app/runs/open-run.ts'
import { planRun } from '../../../src/app/runs/plan-run.ts'
import { computed, smallRun } from '../runs/small-run.ts'
import { expectFailure, limelight, useFolder } from './command.ts'

/** Files of an output that were cut, mixed up or replaced after they were published. */

const folder = useFolder()
const formats = ['parquet', 'jsonl'] as const
const partsOf = (output: string) => readdirSync(join(folder, output)).filter((name) => name.startsWith('part-'))
const again = 'remove it, and `limelight batch run` or `submit` computes its shard again'

/** A copy of a finished run without its end, to be damaged. */
let copies = 0
function copyOf(format: string) {
  const output = join(folder, `copy-${copies++}`)
  cpSync(join(folder, format), output, { recursive: true })
  rmSync(join(output, '_SUCCESS'))
  const [first, second] = partsOf(format)
  return { output, first: join(output, first), second: join(output, second), name: second }
}

beforeAll(async () => {
  for (const [output, change] of [
    ['parquet', {}],
    ['jsonl', { format: 'jsonl' }],
    ['other', { shardSize: 4 }],
  ] as const) {
    const run = smallRun(join(folder, output), change)
    await planRun(run)
    const opened = await openRun(run.output, { threads: 1 })
    await computed(opened)
    await opened.close()
  }
})

async function expectBoth(output: string, pattern: RegExp) {
  for (const command of ['finish', 'summary']) expectFailure(await limelight('batch', command, output), 1, pattern)
}

describe.each(formats)('a published file of %s', (format) => {
  it.each([
    ['is empty', 0],
    ['is cut short', 2500],
  ])('that %s is named, with what to do', async (_, length) => {
    const { output, second, name } = copyOf(format)
    truncateSync(second, length)
    await expectBoth(output, new RegExp(`^limelight: ${output}: ${name} .*: ${again}\n$`))
    rmSync(second)
    expect(await limelight('batch', 'run', output, '--threads', '1')).toMatchObject({ code: 0 })
    expect((await limelight('batch', 'finish', output)).stdout).toMatch(/is finished: 4 shards, 10 images/)
  })

  it('that is another shard’s is named', async () => {
    const { output, first, second, name } = copyOf(format)
    copyFileSync(first, second)
    expectFailure(
      await limelight('batch', 'finish', output),
      1,
      new RegExp(`^limelight: ${output}: ${name} is of another shard, 0, than its name says: ${again}\n$`),
    )
    expectFailure(
      await limelight('batch', 'summary', output),
      1,
      new RegExp(`^limelight: ${output} holds shard 0 twice, as part-00000\\S+ and ${name}: one is a wrong copy\n$`),
    )
  })
})

it('a file of another run is named', async () => {
  const { output, second, name } = copyOf('parquet')
  const [other] = partsOf('other')
  copyFileSync(join(folder, 'other', other), second)
  expectFailure(await limelight('batch', 'finish', output), 1, new RegExp(`${name} is of another run, .*: ${again}\n$`))
  const refused = new RegExp(
    `: part-00000\\S+ of [0-9a-f]{16}, ${name} of [0-9a-f]{16}; move one run's away, or give one`,
  )
  expectFailure(await limelight('batch', 'summary', output), 1, refused)
})

it('lines that are gone, or hold no row, are noticed', async () => {
  const { output, second, name } = copyOf('jsonl')
  const lines = readFileSync(second, 'utf8').split('\n')
  writeFileSync(second, [...lines.slice(0, -2), ''].join('\n'))
  expectFailure(
    await limelight('batch', 'summary', output),
    1,
    new RegExp(`${name} is cut short: it has \\d+ rows, of the \\d+ that it had: ${again}\n$`),
  )
  writeFileSync(second, [lines[0], '{}', ...lines.slice(2)].join('\n'))
  expectFailure(
    await limelight('batch', 'summary', output),
    1,
    new RegExp(`${name} holds no explanations, or is damaged`),
  )
})

it('a folder of a file’s name, and an end that says something else, are told', async () => {
  const { output, second } = copyOf('parquet')
  rmSync(second)
  mkdirSync(second)
  await expectBoth(output, new RegExp(`^limelight: ${second} is no file: remove it\n$`))
  rmSync(second, { recursive: true })
  copyFileSync(join(folder, 'parquet', partsOf('parquet')[1]), second)
  writeFileSync(join(output, '_SUCCESS'), '{}')
  expectFailure(await limelight('batch', 'finish', output), 1, /_SUCCESS says something else .*: remove it, and finish/)
})

it('a file that is no result, and an output that can’t be a folder, are told, and nobody is to remove them', async () => {
  const { output } = copyOf('parquet')
  const file = join(output, 'run.json')
  expectFailure(
    await limelight('batch', 'summary', file),
    2,
    new RegExp(`^limelight: ${file}: expected a run's output, or one of its files, which end in .parquet or .jsonl\n$`),
  )
  const own = join(folder, 'own.parquet')
  writeFileSync(own, 'no results')
  expectFailure(await limelight('batch', 'summary', own), 1, /own.parquet is no Parquet file, or is damaged: [^:]*\n$/)
  const below = await limelight('batch', 'finish', join(file, 'below'))
  expectFailure(below, 1, /below holds no run.json: plan the run first/)
  await expect(planRun(smallRun(join(file, 'below')))).rejects.toThrow('a part of this path is a file, not a folder')
})
