import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseSafetensors } from '../../../src/engine/formats/safetensors.ts'
import { expectFailure, limelight, root, start } from './command.ts'

/** What a command writes: by one process at a time, made in one way, and said in one line where it can't be. */

const model = join(root, 'test/reference/model.safetensors')
const explain = ['explain', '--model', model, '--segmenter', 'felzenszwalb', '--samples', '50', '--device', 'cpu']

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'limelight-output-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const linesIn = (out: string) => {
  const file = join(out, 'explanations.jsonl')
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
}
const indicesIn = (out: string) => linesIn(out).map((line): number => JSON.parse(line).index)

describe('a folder of explanations', () => {
  it('takes one process at a time, shows whose it is, and is free the moment that one is killed', async () => {
    const out = join(folder, 'two')
    const words = [...explain, '--indices', '0:120', '--out', out]
    const first = start(words)
    await expect.poll(() => linesIn(out).length, { timeout: 60_000, interval: 5 }).toBeGreaterThan(3)
    // A process that gives no sign of life has not ended.
    first.child.kill('SIGSTOP')
    const before = readFileSync(join(out, 'explanations.jsonl'))
    const owner = new RegExp(`two is being written by process ${first.child.pid} on .*: wait until that has ended`)
    expectFailure(await limelight(...words), 1, owner)
    expectFailure(await limelight(...explain, '--index', '1', '--out', out), 1, owner)
    expectFailure(await limelight('tutorial', '--model', model, '--out', out), 1, owner)
    expect(readFileSync(join(out, 'explanations.jsonl'))).toEqual(before)
    first.child.kill('SIGKILL')
    const second = await limelight(...words)
    expect(second.code, second.stderr).toBe(0)
    await first.ended
    expect(indicesIn(out)).toEqual(Array.from({ length: 120 }, (_, i) => i))
    expect(readdirSync(out).sort()).toEqual(['explanations.jsonl', 'settings.json', 'summary.json'])
  })

  it('takes lines of one run, whatever became of settings.json', async () => {
    const out = join(folder, 'runs')
    const words = [...explain, '--indices', '0:3', '--out', out]
    expect((await limelight(...words)).code).toBe(0)
    const made = readFileSync(join(out, 'explanations.jsonl'))
    const settings = readFileSync(join(out, 'settings.json'), 'utf8')
    const run: unknown = JSON.parse(settings).run
    expect(linesIn(out).map((line): unknown => JSON.parse(line).run)).toEqual([run, run, run])

    const seed = [...words, '--random-state', '7']
    expectFailure(await limelight(...seed), 2, /another run: randomState was 123 and is 7 now; go on with/)
    const other = words.map((word) => (word === model ? join(root, 'models/fashion-cnn.safetensors') : word))
    expectFailure(await limelight(...other), 2, /another run: the model is another; go on with/)
    rmSync(join(out, 'settings.json'))
    expectFailure(await limelight(...seed), 2, /holds explanations of another run; go on with/)
    expect(readdirSync(out).sort()).toEqual(['explanations.jsonl', 'summary.json'])
    expect(readFileSync(join(out, 'explanations.jsonl'))).toEqual(made)

    // What computes, and how many at once, changes no run.
    const more = await limelight(...words, '--indices', '0:4', '--threads', '1', '--json')
    expect(more.code, more.stderr).toBe(0)
    expect(readFileSync(join(out, 'settings.json'), 'utf8')).toBe(settings)
    expect(indicesIn(out)).toEqual([0, 1, 2, 3])
  })

  it('refuses lines that do not say of which run they are, and damage, and loses neither', async () => {
    const out = join(folder, 'damaged')
    const file = join(out, 'explanations.jsonl')
    const words = [...explain, '--indices', '0:3', '--out', out]
    expect((await limelight(...words)).code).toBe(0)
    const whole = readFileSync(file, 'utf8')
    const refused = async (content: string | Buffer, code: number, pattern: RegExp) => {
      writeFileSync(file, content)
      expectFailure(await limelight(...words), code, pattern)
      expect(readFileSync(file)).toEqual(Buffer.from(content))
    }
    await refused(whole.replaceAll(/"run":"\w+",/g, ''), 2, /that do not say how they were made, as those of earlier/)
    const lines = whole.split('\n')
    await refused(
      [lines[0], lines[1].slice(0, 50), lines[2], ''].join('\n'),
      1,
      /jsonl: line 2 is damaged: it is not J/,
    )
    await refused(
      Buffer.concat([Buffer.from(whole), Buffer.from([0xff, 0x0a])]),
      1,
      /line 4 is damaged: it is not UTF-8/,
    )
    await refused('mine', 1, /jsonl is damaged: its end is no part of a line of this run/)
    writeFileSync(file, whole)
    writeFileSync(join(out, 'settings.json'), '{"editor.tabSize": 2}')
    expectFailure(await limelight(...words), 1, /settings\.json is not the settings of a run of this version/)
    expect(readFileSync(join(out, 'settings.json'), 'utf8')).toBe('{"editor.tabSize": 2}')
  })

  it('says in one line what is in the way', async () => {
    for (const name of ['explanations.jsonl', 'settings.json', 'summary.json', '.lock']) {
      const out = join(folder, `taken-${name}`)
      mkdirSync(join(out, name), { recursive: true })
      const taken = new RegExp(`can't write .*${name}: there is a folder of this name\n$`)
      expectFailure(await limelight(...explain, '--indices', '0:1', '--out', out), 1, taken)
    }
    writeFileSync(join(folder, 'file'), '')
    const below = await limelight(...explain, '--indices', '0:1', '--out', join(folder, 'file', 'out'))
    expectFailure(below, 1, /can't write .*: a part of this path is a file, not a folder\n$/)
  })

  it('is refused where no folder can be made, without end or delay', {
    skip: process.platform !== 'linux',
  }, async () => {
    for (const kind of [
      ['--indices', '0:1'],
      ['--index', '1'],
    ])
      expectFailure(await limelight(...explain, ...kind, '--out', '/proc/x/y'), 1, /can't write \/proc\/x\/y/)
    expectFailure(await limelight('tutorial', '--model', model, '--out', '/proc/x/y'), 1, /can't write \/proc\/x\/y/)
    expectFailure(await limelight('train', '--save', '/proc/x/y'), 1, /can't write \/proc\/x\/y/)
  })
})

it('a model file is trained by one process at a time', async () => {
  const file = join(folder, 'model.safetensors')
  const words = ['train', '--limit', '16', '--device', 'cpu', '--save', file]
  const first = start(words)
  await expect.poll(() => existsSync(file), { timeout: 100_000 }).toBe(true)
  first.child.kill('SIGSTOP')
  const owner = new RegExp(`model\\.safetensors is being written by process ${first.child.pid} on `)
  expectFailure(await limelight(...words), 1, owner)
  first.child.kill('SIGCONT')
  first.child.kill('SIGINT')
  expect((await first.ended).code).toBe(130)
  expect(parseSafetensors(readFileSync(file)).metadata.training_images).toBe('16')
  expect(existsSync(join(folder, '.model.safetensors.lock'))).toBe(false)
})

// Windows has no pipes among its files.
it.skipIf(process.platform === 'win32')('a model is not saved onto a pipe or a stream', async () => {
  const words = ['train', '--limit', '16', '--device', 'cpu', '--save']
  expectFailure(
    await limelight(...words, '/dev/stdout'),
    1,
    /can't write \/dev\/stdout: this is a stream of the process/,
  )
  expectFailure(await limelight(...words, '/dev/zero'), 1, /can't write \/dev\/zero: this is a device, not a regular/)
})
