import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectFailure, limelight, type Outcome, outcomeOf, root, start } from './command.ts'

/** The command in surroundings that nobody set up for it: an exit code as documented, and one line where it fails. */

const model = join(root, 'test/reference/model.safetensors')
const explain = ['explain', '--model', model, '--samples', '20', '--device', 'cpu', '--index', '1']

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'limelight-hostile-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A line of a shell; `"$@"` is the command. */
function inShell(line: string, ...words: string[]): Promise<Outcome> {
  return outcomeOf(spawn('bash', ['-c', line, 'bash', process.execPath, join(root, 'dist/cli.js'), ...words]))
}

// Windows has no bash to close streams with.
describe.skipIf(process.platform === 'win32')('limelight works', () => {
  it.each([
    ['with stdin closed', '"$@" <&-'],
    ['with stderr closed', '"$@" 2>&-'],
    ['without a home', 'unset HOME LIMELIGHT_DATA XDG_CACHE_HOME; "$@"'],
    ['with a file where its cache should be', 'LIMELIGHT_DATA="$1" "$@"'],
    ['in a locale without Unicode', 'LC_ALL=C "$@"'],
    ['in a narrow terminal', 'COLUMNS=20 "$@"'],
  ])('%s', async (_name, line) => {
    const { code, stdout, stderr } = await inShell(line, ...explain)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^Test image 1: Pullover/)
    expect(code).toBe(0)
  })

  it.each([
    ['has closed stdout', '"$@" >&-', ''],
    ['has closed everything', '"$@" <&- >&- 2>&-', ''],
    ['stops reading', 'set -o pipefail; "$@" | head -c 4', 'Test'],
  ])('for one who %s', async (_name, line, printed) => {
    expect(await inShell(line, ...explain)).toEqual({ code: 0, stdout: printed, stderr: '' })
  })
})

describe('limelight refuses', () => {
  // Windows has no device files.
  it.skipIf(process.platform === 'win32')('devices as input, which may have no end', async () => {
    const endless = /\/dev\/zero: this is a device, not a file\n$/
    expectFailure(await limelight('evaluate', '--model', '/dev/zero'), 1, endless)
    expectFailure(await limelight('explain', '--model', model, '--image', '/dev/zero'), 1, endless)
    expectFailure(await limelight('evaluate', '--model', '/dev/null'), 1, /\/dev\/null: this is an empty file/)
  })

  it('a file that nobody may read', async () => {
    const file = join(folder, 'secret')
    writeFileSync(file, '', { mode: 0 })
    // Root may read it: then it is no model, whatever it holds.
    expectFailure(
      await limelight('evaluate', '--model', file),
      1,
      /secret: (no permission to read it|this is an empty file)/,
    )
  })

  it('masks that would be shown nowhere', async () => {
    expectFailure(await limelight(...explain, '--masks'), 2, /--masks needs --json, which prints them, or --out\n$/)
  })

  it('a batch to tune for that the device can not hold, before anything is measured', async () => {
    const { stderr } = await limelight('tune', '--model', model, '--batch-size', '1000000')
    expect(stderr).toMatch(/limelight: batchSize 1000000: a training step would need a block of \d+ bytes; the device/)
  })

  it.each([
    [[], /Usage: limelight/],
    [['--nope'], /unknown option '--nope'/],
    [['help', 'nope'], /Usage: limelight/],
    [['data', 'more'], /too many arguments for 'data'/],
    [['evaluate', '--model'], /option '--model <file>' argument missing/],
    [['train', '--save', 'x', '--epochs', '1e30'], /expected a whole number of at least 1/],
    [['train', '--save', 'x', '--limit', '-5'], /expected a whole number of at least 1/],
    [['train', '--save', 'x', '--batch-size', '1.5'], /expected a whole number of at least 1/],
    [[...explain, '--indices', '0:3'], /give one of --image FILE/],
    [[...explain, '--labels', '1', '--top-labels', '2'], /'--labels <list>' cannot be used with option '--top-labels/],
    [[...explain.slice(0, -2), '--indices', '0:1000000000000000', '--out', 'x'], /test set has the images 0 to 9999/],
  ])('%j', async (words, pattern) => {
    const { code, stdout, stderr } = await start(words, { cwd: folder }).ended
    expect(stdout).toBe('')
    expect(stderr).toMatch(pattern)
    expect(stderr).not.toMatch(/\n\s+at |this is a bug/)
    expect(code).toBe(2)
    expect(existsSync(join(folder, 'x'))).toBe(false)
  })
})
