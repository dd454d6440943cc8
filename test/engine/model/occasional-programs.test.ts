import { afterEach, beforeEach, expect, it } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import type { Memory, Program } from '../../../src/engine/device.ts'
import { OccasionalPrograms, type Tables } from '../../../src/engine/model/occasional-programs.ts'
import { mul } from '../../../src/engine/ops/elementwise.ts'
import { makePlan, type Plan } from '../../../src/engine/plan/plan.ts'
import { Input, Resident } from '../../../src/engine/tensor.ts'

/** Programs that make room for others, and tables that several callers have in one of them. */

let device: CpuDevice
let programs: OccasionalPrograms
/** Lowered and not disposed of. */
let left: Set<Program>
let gone: string[]

beforeEach(() => {
  device = new CpuDevice({ threads: 1 })
  left = new Set()
  gone = []
  const lower = async (plan: Plan, blocks: Readonly<Record<string, Memory>>) => {
    const program = await device.lower(plan, blocks)
    const dispose = program.dispose.bind(program)
    left.add(program)
    program.dispose = () => {
      left.delete(program)
      dispose()
    }
    return program
  }
  programs = new OccasionalPrograms(device, lower, (key) => gone.push(key))
})
afterEach(() => device.dispose())

const planOf = (size: number) =>
  makePlan({ outputs: { y: mul(new Input('x', [size]), new Resident('table', 0, [size])) } }, device.fusions)
const tablesOf = (size: number, value: number): Tables => ({ table: new Float32Array(size).fill(value) })
const settled = () => new Promise((resolve) => setTimeout(resolve))

/** As a compiled model has its runs: one after the other, results read. */
let turn: Promise<unknown> = Promise.resolve()
function exclusive<T>(work: () => Promise<T>): Promise<T> {
  const mine = turn.then(work)
  turn = mine.catch(() => {})
  return mine
}

/** x · table for x = 1, 2, … runs; the others have their turn between two of them. */
async function products(key: string, value: number, runs: number): Promise<number[]> {
  return programs.use(key, planOf(4), tablesOf(4, value), async (program, writeTables) => {
    const found: number[] = []
    for (let run = 1; run <= runs; run++) {
      const [{ y }] = await exclusive(() => {
        writeTables()
        return device.runAll(program, 1, () => ({ x: new Float32Array(4).fill(run) }))
      })
      found.push(y[3])
      await settled()
    }
    return found
  })
}

it('each caller reads its own tables, however their runs alternate', async () => {
  const [threes, fives] = await Promise.all([products('same', 3, 4), products('same', 5, 4)])
  expect(threes).toEqual([3, 6, 9, 12])
  expect(fives).toEqual([5, 10, 15, 20])
  expect(left.size).toBe(1)
})

it('tables are written once where nobody comes between', async () => {
  let written = 0
  const write = device.write.bind(device)
  device.write = (...given) => {
    written++
    write(...given)
  }
  await products('alone', 3, 5)
  expect(written).toBe(1)
})

it('a bounded number is kept, those that were used last', async () => {
  for (let i = 0; i < 20; i++) await products(`of ${i}`, 1, 1)
  await settled()
  expect(left.size).toBe(16)
  expect(gone).toEqual(['of 0', 'of 1', 'of 2', 'of 3'])
  await products('of 4', 1, 1)
  await products('another', 1, 1)
  expect(gone.at(-1)).toBe('of 5')
})

it('a large one is not kept, but stays as long as somebody uses it', async () => {
  const size = 2 ** 22
  const plan = planOf(size)
  const bytesBefore = device.memoryBytes
  let release = () => {}
  const first = programs.use('large', plan, tablesOf(size, 2), async (program, writeTables) => {
    await new Promise<void>((resolve) => {
      release = resolve
    })
    writeTables()
    const [{ y }] = await device.runAll(program, 1, () => ({ x: new Float32Array(size).fill(3) }))
    return y[size - 1]
  })
  await programs.use('large', plan, tablesOf(size, 5), async (_, writeTables) => writeTables())
  await settled()
  expect(left.size).toBe(1)
  release()
  expect(await first).toBe(6)
  await settled()
  expect([left.size, gone]).toEqual([0, ['large']])
  // What it held serves the next.
  const bytes = device.memoryBytes
  expect(bytes).toBeGreaterThan(bytesBefore)
  await programs.use('as large', plan, tablesOf(size, 5), async () => {})
  expect(device.memoryBytes).toBe(bytes)
})

it('a plan that is refused may be tried again', async () => {
  const lower = device.lower.bind(device)
  device.lower = async () => {
    throw new Error('no memory')
  }
  await expect(products('refused', 3, 1)).rejects.toThrow('no memory')
  device.lower = lower
  expect(await products('refused', 3, 1)).toEqual([3])
})

it('all are free once they are disposed of, those in use and those that come later, too', async () => {
  await products('kept', 1, 1)
  let release = () => {}
  const held = programs.use(
    'held',
    planOf(4),
    tablesOf(4, 1),
    () => new Promise<void>((resolve) => (release = resolve)),
  )
  await settled()
  programs.dispose()
  await products('late', 1, 1).catch(() => {})
  release()
  await held
  await settled()
  expect(left.size).toBe(0)
})
