import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { decode, encode } from 'fast-png'
import { afterAll, expect, it } from 'vitest'
import { type Outcome, outcomeOf } from '../app/cli/command.ts'
import { texturedShirt } from './textured-shirt.ts'

/** The examples are complete programs, which import the package by its name: each is run as its readers would. */

const root = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'limelight-examples-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function run(name: string, ...words: readonly string[]): Promise<Outcome> {
  const outcome = await outcomeOf(spawn(process.execPath, [join(root, 'examples', name), ...words], { cwd: folder }))
  expect(outcome.code, outcome.stderr).toBe(0)
  return outcome
}

it('train.mjs trains a network that tells rows from columns, and saves it', async () => {
  const file = join(folder, 'lines.safetensors')
  const { stdout } = await run('train.mjs', file)
  expect(Number(/Accuracy ([\d.]+)/.exec(stdout)?.[1])).toBeGreaterThan(0.95)
  expect(readFileSync(file).byteLength).toBeGreaterThan(9000)
})

it('residual.mjs trains a graph, whose table says what is connected', async () => {
  const { stdout } = await run('residual.mjs')
  expect(stdout).toMatch(/^add_1 \(Add\) .* batch_normalization_4\[0\]\[0\]\s+batch_normalization_5\[0\]\[0\]/m)
  expect(stdout).toMatch(/Non-trainable params: 144/)
  expect(Number(/Accuracy ([\d.]+)/.exec(stdout)?.[1])).toBeGreaterThan(0.95)
})

it('explain-any-function.mjs finds the one part of a picture that a function looks at', async () => {
  const { stdout } = await run('explain-any-function.mjs')
  const weights = Array.from(stdout.matchAll(/^part (\d): (-?[\d.]+)/gm), ([, part, weight]) => [+part, +weight])
  expect(weights).toHaveLength(4)
  for (const [part, weight] of weights) {
    if (part === 0) expect(weight).toBeCloseTo(0.5, 1)
    else expect(weight).toBeCloseTo(0, 3)
  }
})

it('explain-png.mjs paints the evidence of a picture', async () => {
  const pixels = texturedShirt()
  const [picture, evidence] = ['picture.png', 'evidence.png'].map((name) => join(folder, name))
  writeFileSync(picture, encode({ data: pixels, width: 28, height: 28, channels: 1 }))
  const { stdout } = await run('explain-png.mjs', picture, evidence)
  expect(stdout).toMatch(/^Class \d/)
  const { width, height, channels, data } = decode(readFileSync(evidence))
  expect([width, height, channels]).toEqual([28, 28, 3])
  // It is grey no more.
  expect(data.some((value, at) => at % 3 === 0 && value !== data[at + 1])).toBe(true)
})

it('webgpu.mjs computes a loss and its gradient on the adapter there is', async () => {
  const { stdout } = await run('webgpu.mjs')
  // Rows times kernel: [2.2, -2.8] and [4.9, -6.4]; relu leaves the first column.
  expect(stdout).toContain('Loss 28.850')
  expect(stdout).toContain('Its gradient 43.60 0.00 57.80 0.00 72.00 0.00')
})
