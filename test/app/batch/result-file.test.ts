import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ResultFile } from '../../../src/app/batch/result-file.ts'
import { testImageLine } from '../../../src/app/batch/test-image-line.ts'
import { FormatError } from '../../../src/engine/errors.ts'
import { FileWriteError } from '../../../src/engine/platform/atomic-write.ts'

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'limelight-lines-'))
  path = join(folder, 'lines.jsonl')
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

const explanation = { 3: { score: 0.5, weights: [[0, 0.25]], intervals: [[0.1, 0.4]] } }
const line = (index: number, more: object = {}) => ({ index, label: 3, predicted: 3, explanation, ...more })
const text = (run: string, index: number, more?: object) => `${JSON.stringify({ run, ...line(index, more) })}\n`

async function reopened(): Promise<{ run: string | null | undefined; indices: number[] }> {
  const file = await ResultFile.open(path, testImageLine)
  await file.close()
  return { run: file.run, indices: file.existing.map(({ index }) => index) }
}

it('appends lines that name their run, and reads them again', async () => {
  const file = await ResultFile.open(path, testImageLine)
  expect([file.run, file.existing]).toEqual([undefined, []])
  await file.append('abc', line(4))
  await file.append('abc', line(2, { map: 'ä€'.repeat(700_000) }))
  await file.append('abc', line(7))
  await file.checkAlone()
  await file.close()
  // Lines longer than what is read at once, with characters of several bytes, among them.
  expect(await reopened()).toEqual({ run: 'abc', indices: [4, 2, 7] })
  expect(readFileSync(path, 'utf8').split('\n')[0]).toBe(JSON.stringify({ run: 'abc', ...line(4) }))
})

it('cuts off the part of a line that a kill left, wherever it broke off, and nothing else', async () => {
  const [whole, next] = [text('abc', 1), text('abc', 2)]
  for (const length of [1, 5, 14, 15, 40, next.length - 1]) {
    writeFileSync(path, whole + next.slice(0, length))
    const file = await ResultFile.open(path, testImageLine)
    // Not before a run has found the lines to be its own.
    expect(readFileSync(path, 'utf8')).toBe(whole + next.slice(0, length))
    await file.cutTornLine('abc')
    expect(readFileSync(path, 'utf8')).toBe(whole)
    await file.append('abc', line(2))
    await file.close()
    expect(readFileSync(path, 'utf8')).toBe(whole + next)
  }
})

it('leaves an end alone that is no part of a line of this run', async () => {
  for (const content of ['all that I have written', text('other', 1).trimEnd(), `${text('abc', 1)}\0\0\0`]) {
    writeFileSync(path, content)
    const file = await ResultFile.open(path, testImageLine)
    await expect(file.cutTornLine('abc')).rejects.toThrow(/lines\.jsonl is damaged: its end is no part of a line/)
    await file.close()
    expect(readFileSync(path, 'utf8')).toBe(content)
  }
})

it('names the line that is damaged, and what is wrong with it', async () => {
  const refused = async (middle: string | Buffer, pattern: RegExp) => {
    const content = Buffer.concat([Buffer.from(text('abc', 1)), Buffer.from(middle), Buffer.from(text('abc', 2))])
    writeFileSync(path, content)
    await expect(ResultFile.open(path, testImageLine)).rejects.toThrow(FormatError)
    await expect(ResultFile.open(path, testImageLine)).rejects.toThrow(pattern)
    expect(readFileSync(path)).toEqual(content)
  }
  await refused('{"run":"abc","index":3,"la', /line 2 is damaged: it is not JSON/)
  await refused('\n', /line 2 is damaged: it is not JSON/)
  await refused(Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]), /line 2 is damaged: it is not UTF-8/)
  await refused('7\n', /line 2 is damaged: it is not an explanation of an image/)
  await refused(`${JSON.stringify({ run: 'abc', ...line(-1) })}\n`, /line 2 is damaged: it is not an explanation/)
  await refused(text('abc', 3, { explanation: { 3: { score: 1 } } }), /line 2 is damaged: it is not an explanation/)
  await refused(text('xyz', 3), /line 2 is of another run than the lines before it/)
  await refused(`${JSON.stringify(line(3))}\n`, /line 2 is of another run/)
})

it('tells lines that name no run from none at all, and takes numbers that JSON has not', async () => {
  writeFileSync(path, `${JSON.stringify(line(1))}\n`)
  expect(await reopened()).toEqual({ run: null, indices: [1] })
  const empty = { 3: { score: null, weights: [], intervals: [[null, null]] } }
  writeFileSync(path, text('abc', 1, { explanation: empty }))
  expect(await reopened()).toEqual({ run: 'abc', indices: [1] })
})

it('on a full disk keeps the lines it has, whole, and says that it is full', async () => {
  const file = await ResultFile.open(path, testImageLine)
  await file.append('abc', line(1))
  const probe = await open(path, 'r')
  const handle: FileHandle = Object.getPrototypeOf(probe)
  await probe.close()
  const write = handle.write
  const half = vi.spyOn(handle, 'write').mockImplementationOnce(async function (this: FileHandle, bytes: unknown) {
    await Reflect.apply(write, this, [(bytes as Buffer).subarray(0, 30)])
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  } as typeof write)
  const failure = await file.append('abc', line(2)).catch((error: unknown) => error)
  expect(half).toHaveBeenCalledTimes(1)
  expect(failure).toBeInstanceOf(FileWriteError)
  expect(String(failure)).toContain(`can't write ${path}: the disk is full`)
  await file.close()
  expect(readFileSync(path, 'utf8')).toBe(text('abc', 1))
})

it('notices whoever else writes into the file, or removes it', async () => {
  const file = await ResultFile.open(path, testImageLine)
  await file.append('abc', line(1))
  appendFileSync(path, text('abc', 2))
  await expect(file.append('abc', line(3))).rejects.toThrow(/was changed by another process/)
  await expect(file.checkAlone()).rejects.toThrow(/was changed by another process/)
  await file.close()
  expect(readFileSync(path, 'utf8')).toBe(text('abc', 1) + text('abc', 2))
  const again = await ResultFile.open(path, testImageLine)
  rmSync(path)
  await expect(again.append('abc', line(3))).rejects.toThrow(/was removed while it was being written/)
  await again.close()
})

it('refuses a folder in its place', async () => {
  mkdirSync(path)
  await expect(ResultFile.open(path, testImageLine)).rejects.toThrow(/there is a folder of this name/)
})
