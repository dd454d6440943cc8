import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { LinearMemory } from '../../../src/engine/cpu/memory.ts'
import { conv2d } from '../../../src/engine/ops/conv2d.ts'
import { depthwiseConv2d } from '../../../src/engine/ops/depthwise-conv2d.ts'
import { add, erf, exp, gelu, hardSwish, relu, sigmoid, silu, tanh } from '../../../src/engine/ops/elementwise.ts'
import { matmul } from '../../../src/engine/ops/matmul.ts'
import { avgPool, maxPool } from '../../../src/engine/ops/pool.ts'
import { Input, sizeOf, type Tensor } from '../../../src/engine/tensor.ts'
import { numbers } from '../device-suite.ts'

const device = new CpuDevice({ threads: 1 })
const given = (name: string, shape: readonly number[]) => new Input(name, shape)
const run = async (y: Tensor, ...inputs: readonly Input[]) => {
  const values = Object.fromEntries(inputs.map(({ name, shape }) => [name, numbers(shape)]))
  return [...(await compute(device, { outputs: { y } }, values)).y]
}

describe('what is empty is computed, and leaves the rest of the memory alone', () => {
  const image = given('x', [1, 0, 4, 4])
  const [a, b] = [given('a', [2, 3]), given('b', [3, 0])]
  it.each<[string, Tensor, Input[]]>([
    [
      'a convolution of no rows',
      conv2d(image, given('k', [3, 3, 4, 4]), { padding: 'same' }),
      [image, given('k', [3, 3, 4, 4])],
    ],
    [
      'one of one pixel',
      conv2d(image, given('k', [1, 1, 4, 4]), { padding: 'same' }),
      [image, given('k', [1, 1, 4, 4])],
    ],
    [
      'a depthwise one',
      depthwiseConv2d(image, given('k', [3, 3, 4, 1]), { padding: 'same' }),
      [image, given('k', [3, 3, 4, 1])],
    ],
    ['a maximum', maxPool(image, { poolSize: 2, padding: 'same' }), [image]],
    ['a mean', avgPool(image, { poolSize: 2, padding: 'same' }), [image]],
    ['a product without columns', matmul(a, b), [a, b]],
  ])('%s', async (_, y, inputs) => {
    expect(await run(y, ...inputs)).toEqual([])
    const x = given('x', [2, 5])
    expect(await run(add(x, x), x)).toEqual([...numbers([2, 5]).map((value) => value + value)])
  })

  it('a sum of nothing is 0', async () => {
    const [left, right] = [given('a', [2, 0]), given('b', [0, 3])]
    expect(await run(matmul(left, right), left, right)).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('memory is asked for in whole bytes', () => {
    const memory = new LinearMemory()
    for (const bytes of [Number.NaN, -4, 1.5, Number.POSITIVE_INFINITY])
      expect(() => memory.allocate('f32', bytes)).toThrow(/no block has/)
  })
})

it.each(Object.entries({ exp, sigmoid, silu, erf, gelu, tanh, relu, hardSwish }))(
  'equal numbers give equal bits of %s, wherever they stand and however many there are',
  async (name, row) => {
    for (const value of [-7.31, -0.4, 1e-3, 0.71, 5.03])
      for (const shape of [[5], [1, 10], [2, 10], [3, 3]]) {
        const x = given('x', shape)
        const same = new Float32Array(sizeOf(shape)).fill(value)
        const { y } = await compute(device, { outputs: { y: row(x) } }, { x: same })
        expect(new Set(y).size, `${name}(${value}) of ${shape}`).toBe(1)
      }
  },
)
