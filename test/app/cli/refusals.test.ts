import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { inWordsOf, limelight } from '../../../src/app/cli/program.ts'
import { LimelightError } from '../../../src/engine/errors.ts'
import * as engine from '../../../src/engine/index.ts'
import * as lime from '../../../src/lime/index.ts'
import { root } from './command.ts'

/** What the command says when it refuses an option: it speaks of the option, not of the function that its value came to. */

const explain = [
  'explain',
  '--model',
  join(root, 'test/reference/model.safetensors'),
  '--index',
  '1',
  '--device',
  'cpu',
]

let written: string[]
beforeEach(() => {
  written = []
  const write = (text: string | Uint8Array) => written.push(String(text)) > 0
  vi.spyOn(process.stdout, 'write').mockImplementation(write)
  vi.spyOn(process.stderr, 'write').mockImplementation(write)
})
afterEach(() => {
  vi.restoreAllMocks()
  // Each command that runs adds one of its own.
  for (const signal of ['SIGINT', 'SIGTERM']) process.removeAllListeners(signal)
})

/** What was said; undefined where nothing was refused. */
async function refusalOf(...words: string[]): Promise<string | undefined> {
  const program = limelight()
  try {
    await program.parseAsync([...explain, '--samples', '20', ...words], { from: 'user' })
    return undefined
  } catch (error) {
    return error instanceof LimelightError ? inWordsOf(program, error) : `${error}${written.join('')}`
  }
}

it.each([
  [['--alpha', '-1'], '--alpha must be a number >= 0, not -1'],
  [['--kernel-width', '0'], '--kernel-width must be a number > 0, not 0'],
  [['--random-state', '4294967296'], /'--random-state <n>' .* expected a whole number from 0 to 4294967295\n/],
  [['--samples', '1000001'], /^--samples must be a whole number from 1 to 1,000,000, .* not 1000001$/],
  [['--stability', '10001'], '--stability must be a whole number from 2 to 10,000, not 10001'],
  [['--threads', '5000'], '--threads must be a whole number from 1 to 128, not 5000'],
  [['--hide-color', '1,2'], /^--hide-color must be one finite number or 1 of them, .* not \[1, 2\]$/],
  [['--hide-color', '1e99'], /'--hide-color <v>' .* expected a number, r,g,b or one of mean, blur, noise, inpaint/],
  [
    ['--segmenter', 'quickshift', '--segmenter-param', 'kernel_size=-1'],
    '--segmenter-param kernel_size must be a number from 1 to 1,000, not -1',
  ],
])("%j is refused in the command's words", async (words, said) => {
  expect(await refusalOf(...words)).toEqual(typeof said === 'string' ? said : expect.stringMatching(said))
})

/** Of the library, with a capital inside: plain words like "fit" may mean what they mean to everybody. */
const functions = [...Object.entries(engine), ...Object.entries(lime)].flatMap(([name, value]) =>
  typeof value === 'function' ? [name, ...Object.getOwnPropertyNames(value.prototype ?? {})] : [],
)
const telling = new Set(functions.filter((name) => /[a-z][A-Z]/.test(name)))

const files = ['model', 'image', 'out']
const options = limelight()
  .commands.find((command) => command.name() === 'explain')
  ?.options.filter((option) => option.required && !files.includes(option.attributeName()))
  .map(({ long }) => long ?? '')

it.each(options ?? [])('no refusal of %s names a function', async (option) => {
  const said: string[] = []
  for (const value of ['', 'x', '-1', '0', '0.5', '1,2', 'a=b', '1e9', '99999999999', '1e99']) {
    written = []
    const refusal = await refusalOf(option, value)
    if (refusal !== undefined) said.push(refusal)
  }
  expect(said).not.toEqual([])
  for (const refusal of said) expect(refusal.split(/\W+/).filter((word) => telling.has(word))).toEqual([])
})
