import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { differences, readSettings, runNameOf, writeSettings } from '../../../src/app/batch/run-settings.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'limelight-settings-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('a name stands for the settings, not for their order or for what is not given', () => {
  const name = runNameOf({ model: 'm', samples: 1000, parameters: { b: 1, a: [2, 1] } })
  expect(name).toMatch(/^[0-9a-f]{16}$/)
  expect(runNameOf({ parameters: { a: [2, 1], b: 1 }, labels: undefined, samples: 1000, model: 'm' })).toBe(name)
  for (const other of [
    { model: 'm', samples: 1001, parameters: { b: 1, a: [2, 1] } },
    { model: 'n', samples: 1000, parameters: { b: 1, a: [2, 1] } },
    { model: 'm', samples: 1000, parameters: { b: 1, a: [1, 2] } },
    { model: 'm', samples: '1000', parameters: { b: 1, a: [2, 1] } },
  ])
    expect(runNameOf(other)).not.toBe(name)
})

it('settings are read as they were written, and what is no such file is refused', async () => {
  const path = join(folder, 'settings.json')
  expect(await readSettings(path)).toBeNull()
  const settings = { model: 'm', samples: 'auto', labels: [1, 2] }
  await writeSettings(path, settings)
  expect(await readSettings(path)).toEqual({ run: runNameOf(settings), settings })
  const whole = readFileSync(path, 'utf8')
  for (const text of ['', '{', '[]', '{"editor.tabSize": 2}', whole.replace('auto', 'exact')]) {
    writeFileSync(path, text)
    await expect(readSettings(path)).rejects.toThrow(/settings\.json is not the settings of a run/)
  }
})

it('says in words what differs', () => {
  expect(
    differences({ model: 'a', samples: 1000, labels: [1], same: 1 }, { model: 'b', samples: 50, same: 1, sigma: 2 }),
  ).toBe(
    'the model is another, samples was 1000 and is 50 now, labels was [1] and is not given now, sigma was not given and is 2 now',
  )
})
