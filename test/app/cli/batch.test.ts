import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runOfFiveShards } from '../runs/small-run.ts'
import { limelight, start, useFolder } from './command.ts'

const folder = useFolder()

function runFile(output: string, change: object = {}): string {
  const path = join(folder, `${output}.json`)
  writeFileSync(path, JSON.stringify({ ...runOfFiveShards(output), ...change }))
  return path
}

/** `batch run` as a task of an array, with nothing else in its environment that could say so. */
async function task(words: readonly string[], environment: Readonly<Record<string, string>>) {
  const { code, stderr } = await start(['batch', 'run', ...words, '--threads', '1'], {
    env: { ...process.env, ...environment },
  }).ended
  expect(code, stderr).toBe(0)
}

const success = (output: string): unknown => JSON.parse(readFileSync(join(folder, output, '_SUCCESS'), 'utf8'))

describe('limelight batch', () => {
  beforeAll(async () => {
    const planned = await limelight('batch', 'plan', runFile('slurm'), '--json')
    expect(JSON.parse(planned.stdout)).toMatchObject({ images: 1100, shards: 5, planned: 'now' })
    for (const index of [2, 0, 3, 1])
      await task([join(folder, 'slurm')], {
        SLURM_ARRAY_TASK_ID: String(10 + index),
        SLURM_ARRAY_TASK_MIN: '10',
        SLURM_ARRAY_TASK_MAX: '13',
        SLURM_ARRAY_TASK_COUNT: '4',
      })
    expect((await limelight('batch', 'finish', join(folder, 'slurm'))).stdout).toMatch(
      /^run [\da-f]{16} is finished: 5 shards, 1100 images, \d+ rows; 0 images could not be explained\n$/,
    )
  }, 300_000)

  it('gives the same set from a Slurm array, an Indexed Job and tasks that are told', async () => {
    const file = runFile('job')
    for (const index of [0, 1]) await task([file], { JOB_COMPLETION_INDEX: String(index), JOB_COMPLETIONS: '3' })
    await task([join(folder, 'job'), '--shard', '3/3'], { JOB_COMPLETION_INDEX: '0' })
    await limelight('batch', 'finish', file)
    const parts = (output: string) => readdirSync(join(folder, output)).filter((name) => name.startsWith('part-'))
    expect(parts('job')).toEqual(parts('slurm'))
    expect(success('job')).toEqual(success('slurm'))
  }, 300_000)

  it('finds a run again, refuses a changed one in its place, and an end without all shards', async () => {
    const file = runFile('slurm')
    expect((await limelight('batch', 'plan', file)).stdout).toMatch(/^run [\da-f]{16} was planned already in /)
    const changed = await limelight('batch', 'plan', runFile('slurm', { shardSize: 512 }))
    expect(changed).toMatchObject({ code: 2, stdout: '' })
    expect(changed.stderr).toMatch(
      /^limelight: .*slurm is of another run: shardSize was 256 and is 512 now; go on with .*\n$/,
    )
    await limelight('batch', 'plan', runFile('unfinished'))
    const unfinished = await limelight('batch', 'finish', join(folder, 'unfinished'))
    expect(unfinished).toMatchObject({ code: 1, stdout: '' })
    expect(unfinished.stderr).toMatch(/^limelight: .*5 of 5 shards are missing: 0, 1, 2, 3, 4\n$/)
  })

  it('sums up what is there, by class', async () => {
    const { stdout } = await limelight('batch', 'summary', join(folder, 'slurm'), '--json')
    const summary = JSON.parse(stdout)
    expect(summary).toMatchObject({ images: 1100, errors: 0, shards: 5 })
    expect(summary.classes.map(({ name }: { name: string }) => name)).toContain('Ankle boot')
    expect(summary.classes.reduce((sum: number, { images }: { images: number }) => sum + images, 0)).toBe(1100)
    const text = await limelight('batch', 'summary', join(folder, 'slurm'))
    expect(text.stdout).toMatch(/^1100 images, 0 of which could not be explained\n\nclass +images +recognised +mean R²/)
    const one = await limelight(
      'batch',
      'summary',
      join(folder, 'slurm', readdirSync(join(folder, 'slurm')).filter((name) => name.includes('00004-of'))[0]),
      '--json',
    )
    expect(JSON.parse(one.stdout)).toMatchObject({ images: 1100 - 4 * 256, shards: 1 })
  })

  it('leaves nothing half-published after SIGTERM, says so, and goes on from there', async () => {
    const output = join(folder, 'ended')
    const running = start(['batch', 'run', runFile('ended'), '--threads', '1'])
    const isPublished = () =>
      readdirSync(folder).includes('ended') && readdirSync(output).some((name) => name.startsWith('part-'))
    while (!isPublished()) await new Promise((resolve) => setTimeout(resolve, 50))
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    expect(code).toBe(143)
    expect(stderr).toBe('\ninterrupted; what is published stays; the same command goes on from there\n')
    const names = readdirSync(output)
    expect(names.filter((name) => name.startsWith('.'))).toEqual([])
    expect(names.filter((name) => name.startsWith('part-')).length).toBeLessThan(5)
    await task([output], {})
    await limelight('batch', 'finish', output)
    expect(success('ended')).toEqual(success('slurm'))
  }, 300_000)
})
