import { execFile } from 'node:child_process'
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import seedrandom from 'seedrandom'
import { build } from 'vite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import {
  type Block,
  candidateBlocks,
  defaultBlock,
  emitSmallProduct,
  type ProductShape,
  productPanelVectors,
} from '../../../src/engine/cpu/kernels/small-product.ts'
import { BlockTuner, type MeasureBlocks, measureBlocks, signatureOf } from '../../../src/engine/cpu/tune.ts'
import { conv2d } from '../../../src/engine/ops/conv2d.ts'
import { makePlan } from '../../../src/engine/plan/plan.ts'
import { fileTuningMemory, type TuningMemory } from '../../../src/engine/platform/tuning-memory.ts'
import { Input } from '../../../src/engine/tensor.ts'
import { ModuleBuilder } from '../../../src/engine/wasm/emitter.ts'
import { i32 } from '../../../src/engine/wasm/instructions.ts'

const shape = (columns: number, rows = 20): ProductShape => ({
  rows,
  inner: 12,
  columns,
  leftIsTransposed: false,
  accumulate: false,
  rightLayout: 'rows',
})

/** A memory in a variable, and what was asked of it. */
function memoryOf(choices: Record<string, string> = {}): TuningMemory & { choices: Record<string, string> } {
  return { choices, read: async () => choices, write: async (_machine, added) => void Object.assign(choices, added) }
}

/** Says that this candidate takes `time` and all others 1; counts the calls. */
function measuring(block: Block, time: number): { measure: MeasureBlocks; calls: number } {
  const result = {
    calls: 0,
    measure: async (shapes: readonly ProductShape[]) => {
      result.calls++
      return shapes.map(({ columns }) =>
        candidateBlocks(columns).map(({ rows, vectors }) =>
          rows === block.rows && vectors === block.vectors ? time : 1,
        ),
      )
    },
  }
  return result
}

const tall = { rows: 8, vectors: 1 }

describe('the tuner', () => {
  it('takes the fastest block, remembers it, and asks the memory before it measures', async () => {
    const memory = memoryOf()
    const first = measuring(tall, 0.5)
    const tuner = new BlockTuner(memory, false, first.measure)
    expect(tuner.blockFor(shape(32))).toEqual(defaultBlock(32))
    await tuner.tune([shape(32), shape(16), shape(32)])
    expect(tuner.blockFor(shape(32))).toEqual(tall)
    await tuner.tune([shape(32)])
    expect(first.calls).toBe(1)
    expect(memory.choices).toEqual({ '20x12x32': '8x1', '20x12x16': '8x1' })

    const second = measuring(tall, 0.5)
    const later = new BlockTuner(memory, false, second.measure)
    await later.tune([shape(32)])
    expect(later.blockFor(shape(32))).toEqual(tall)
    expect(second.calls).toBe(0)
  })

  it('keeps the usual block for less than a real gain', async () => {
    const tuner = new BlockTuner(memoryOf(), false, measuring(tall, 0.97).measure)
    await tuner.tune([shape(32)])
    expect(tuner.blockFor(shape(32))).toEqual(defaultBlock(32))
  })

  it('measures anew where the memory holds something else than a candidate', async () => {
    const { measure } = measuring(tall, 0.5)
    const tuner = new BlockTuner(memoryOf({ [signatureOf(shape(32))]: '900x900' }), false, measure)
    await tuner.tune([shape(32)])
    expect(tuner.blockFor(shape(32))).toEqual(tall)
  })

  it('does not remember what could not be measured', async () => {
    const memory = memoryOf()
    const tuner = new BlockTuner(memory, false, measuring(tall, Number.POSITIVE_INFINITY).measure)
    await tuner.tune([shape(32)])
    expect(tuner.blockFor(shape(32))).toEqual(defaultBlock(32))
    expect(memory.choices).toEqual({})
  })

  it('measures two calls at once one after the other, and what both want only once', async () => {
    const counting = measuring(tall, 0.5)
    const tuner = new BlockTuner(memoryOf(), false, counting.measure)
    await Promise.all([tuner.tune([shape(32)]), tuner.tune([shape(32)])])
    expect(counting.calls).toBe(1)
  })

  it('finds times of all candidates', async () => {
    const shapes = [shape(32), { ...shape(12), leftIsTransposed: true, accumulate: true }]
    const times = await measureBlocks(shapes, false)
    expect(times.map((row) => row.length)).toEqual(shapes.map(({ columns }) => candidateBlocks(columns).length))
    for (const time of times.flat()) expect(time).toBeGreaterThanOrEqual(0)
    for (const time of times.flat()) expect(Number.isFinite(time)).toBe(true)
  })
})

/** [inner, columns] in panels of so many columns as a product reads side by side; the last one may have fewer. */
function inPanels(rows: Float32Array, inner: number, columns: number): Float32Array {
  const width = productPanelVectors * 4
  return rows.map((_, i) => {
    const first = Math.floor(i / (inner * width)) * width
    const own = Math.min(width, columns - first)
    const place = i - first * inner
    return rows[Math.floor(place / own) * columns + first + (place % own)]
  })
}

describe('every block', () => {
  const random = seedrandom('blocks')

  it.each([
    [7, 5, 16],
    [98, 48, 32],
    [13, 9, 20],
    [1, 1, 4],
    [16, 30, 36],
  ])('gives the same bits for %i x %i x %i', async (rows, inner, columns) => {
    for (const accumulate of [false, true])
      for (const leftIsTransposed of [false, true]) {
        const [left, right, out] = [64, 64 + rows * inner * 4, 64 + (rows * inner + inner * columns) * 4]
        const numbers = Float32Array.from(
          { length: rows * inner + inner * columns + rows * columns },
          () => random() - 0.5,
        )
        const results: Float32Array[] = []
        const blocks = [defaultBlock(columns), ...candidateBlocks(columns), { rows: 3, vectors: 2 }]
        const trials = (['rows', 'panels'] as const).flatMap((layout) => blocks.map((block) => ({ layout, block })))
        for (const { layout, block } of trials) {
          const builder = new ModuleBuilder()
          builder.function('run', ['i32'] as const, (body, count) =>
            emitSmallProduct(
              body,
              {
                rows: count,
                inner: i32.const(inner),
                columns,
                left: i32.const(left),
                rowStride: leftIsTransposed ? 4 : inner * 4,
                innerStride: leftIsTransposed ? rows * 4 : 4,
                right: i32.const(right),
                rightLayout: layout,
                out: i32.const(out),
                accumulate,
              },
              block,
            ),
          )
          const memory = new WebAssembly.Memory({ initial: 2, maximum: 65536 })
          const { instance } = await WebAssembly.instantiate(builder.encode(), { env: { memory } })
          new Float32Array(memory.buffer, left, numbers.length).set(numbers)
          if (layout === 'panels') {
            const inRows = numbers.subarray(rows * inner, rows * inner + inner * columns)
            new Float32Array(memory.buffer, right, inner * columns).set(inPanels(inRows, inner, columns))
          }
          ;(instance.exports.run as (rows: number) => void)(rows)
          results.push(new Float32Array(memory.buffer, out, rows * columns).slice())
        }
        for (const result of results) expect(result).toEqual(results[0])
        let expected = accumulate ? numbers[rows * inner + inner * columns] : 0
        for (let i = 0; i < inner; i++)
          expected += numbers[leftIsTransposed ? i * rows : i] * numbers[rows * inner + i * columns]
        expect(results[0][0]).toBeCloseTo(expected, 5)
      }
  })
})

it('a large plan is tuned when it is lowered, a small one is not', async () => {
  const memory = memoryOf()
  const device = new CpuDevice({ threads: 1, tuning: memory })
  const lower = async (count: number) => {
    const y = conv2d(new Input('x', [count, 28, 28, 32]), new Input('kernel', [3, 3, 32, 32]), { padding: 'same' })
    const program = await device.lower(makePlan({ outputs: { y } }, device.fusions), {})
    program.dispose()
  }
  await lower(2)
  expect(Object.keys(memory.choices)).toEqual([])
  const before = device.memoryBytes
  await lower(150)
  expect(Object.keys(memory.choices)).toHaveLength(1)
  const after = device.memoryBytes
  for (let i = 0; i < 3; i++) await lower(150)
  expect(device.memoryBytes).toBe(after)
  expect(after).toBeGreaterThan(before)
})

describe('what is remembered in a file', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'limelight-tuning-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('is kept by machine, and added to', async () => {
    const path = join(folder, 'deep', 'tuning.jsonl')
    await fileTuningMemory(path).write('a', { x: '1' })
    await fileTuningMemory(path).write('b', { x: '2' })
    await fileTuningMemory(path).write('a', { y: '3' })
    expect(await fileTuningMemory(path).read('a')).toEqual({ x: '1', y: '3' })
    expect(await fileTuningMemory(path).read('b')).toEqual({ x: '2' })
  })

  it('holds what several processes found out at once', async () => {
    const path = join(folder, 'tuning.jsonl')
    const source = fileURLToPath(new URL('../../../src/engine/platform/tuning-memory.ts', import.meta.url))
    const alone = { configFile: false, logLevel: 'error', ssr: { noExternal: true } } as const
    await build({ ...alone, build: { ssr: source, outDir: folder } })
    const program = `
      const [module, path, name] = process.argv.slice(1)
      const { fileTuningMemory } = await import(module)
      for (let i = 0; i < 50; i++) await fileTuningMemory(path).write('a', { [name + i]: 'x'.repeat(500) })`
    const words = ['--input-type=module', '--eval', program, join(folder, 'tuning-memory.js'), path]
    await Promise.all(['p', 'q', 'r'].map((name) => promisify(execFile)(process.execPath, [...words, name])))
    expect(Object.keys(await fileTuningMemory(path).read('a'))).toHaveLength(150)
  })

  it('is made small again, and what three processes write meanwhile, kill or no kill, stays: of each choice the last', async () => {
    const path = join(folder, 'tuning.jsonl')
    const source = fileURLToPath(new URL('../../../src/engine/platform/tuning-memory.ts', import.meta.url))
    const alone = { configFile: false, logLevel: 'error', ssr: { noExternal: true } } as const
    await build({ ...alone, build: { ssr: source, outDir: folder, emptyOutDir: false } })
    // Each says the same ten things again and again, and reads what it has said; some are killed amid their work.
    const program = `
      const [module, path, name, rounds] = process.argv.slice(1)
      const { fileTuningMemory } = await import(module)
      const memory = fileTuningMemory(path, 2000)
      let missed = 0
      for (let round = 0; round < Number(rounds); round++)
        for (let i = 0; i < 10; i++) {
          await memory.write('a', { [name + i]: String(round), filling: 'x'.repeat(100) })
          const known = await memory.read('a')
          if (known[name + i] !== String(round)) missed++
        }
      console.log(missed)`
    const words = ['--input-type=module', '--eval', program, join(folder, 'tuning-memory.js'), path]
    const run = (name: string, rounds: number, timeout = 0) =>
      promisify(execFile)(process.execPath, [...words, name, String(rounds)], { timeout, killSignal: 'SIGKILL' })
    const killed = [300, 450, 600, 750].map((timeout, i) => run(`killed${i}-`, 1e6, timeout).catch(() => null))
    const said = await Promise.all(['p', 'q', 'r'].map((name) => run(name, 25)))
    await Promise.all(killed)
    expect(said.map(({ stdout }) => stdout.trim())).toEqual(['0', '0', '0'])
    const known = await fileTuningMemory(path, 2000).read('a')
    for (const name of ['p', 'q', 'r']) for (let i = 0; i < 10; i++) expect(known[name + i]).toBe('24')
    // 750 lines of more than a hundred letters are some thousand; at most three files, and no half of one.
    await fileTuningMemory(path, 2000).write('a', { more: 'x'.repeat(2000) })
    const files = (await readdir(folder)).filter((file) => file.startsWith('tuning.jsonl'))
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size))
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(12_000)
  })

  it('is one line a machine in a closed file, and lines that come after it in the next', async () => {
    const path = join(folder, 'tuning.jsonl')
    const memory = fileTuningMemory(path, 300)
    for (let i = 0; i < 40; i++) await memory.write(i % 2 ? 'a' : 'b', { x: String(i), [`y${i % 4}`]: '1' })
    expect(await memory.read('a')).toEqual({ x: '39', y1: '1', y3: '1' })
    expect(await memory.read('b')).toEqual({ x: '38', y0: '1', y2: '1' })
    const files = (await readdir(folder)).filter((file) => file.startsWith('tuning.jsonl'))
    expect(files).toHaveLength(2)
    const [closed] = files.sort((one, other) => one.length - other.length || (one < other ? -1 : 1))
    expect((await readFile(join(folder, closed), 'utf8')).trim().split('\n')).toHaveLength(2)
    // What others put beside it is not theirs.
    await writeFile(`${path}.old`, '{"a":{"x":"9"}}')
    await writeFile(`${path}.01`, '{"a":{"x":"9"}}')
    expect((await memory.read('a')).x).toBe('39')
  })

  it('is what other lines say where one was cut off', async () => {
    const path = join(folder, 'tuning.jsonl')
    await fileTuningMemory(path).write('a', { x: '1' })
    await appendFile(path, '\n{"a":{"x":"2","y":')
    await fileTuningMemory(path).write('a', { z: '3' })
    expect(await fileTuningMemory(path).read('a')).toEqual({ x: '1', z: '3' })
  })

  it.each(['', '{', '[]', 'null', '7', '{"a":7}', '{"a":{"x":7}}', '{"a":null}'])(
    'is nothing where the file holds %j',
    async (text) => {
      const path = join(folder, 'tuning.jsonl')
      await writeFile(path, text)
      expect(await fileTuningMemory(path).read('a')).toEqual({})
      await fileTuningMemory(path).write('a', { y: '3' })
      expect(await fileTuningMemory(path).read('a')).toEqual({ y: '3' })
    },
  )

  it('is lost without a word where nothing can be written', async () => {
    await writeFile(join(folder, 'file'), '')
    const memory = fileTuningMemory(join(folder, 'file', 'tuning.jsonl'))
    await memory.write('a', { x: '1' })
    expect(await memory.read('a')).toEqual({})
  })
})
