import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import type { Device } from '../../../src/engine/device.ts'
import { gradients } from '../../../src/engine/gradients.ts'
import { conv2d } from '../../../src/engine/ops/conv2d.ts'
import { add, mul, relu, square, step, sub } from '../../../src/engine/ops/elementwise.ts'
import { dense, matmul } from '../../../src/engine/ops/matmul.ts'
import { mean } from '../../../src/engine/ops/reduce.ts'
import { reshape } from '../../../src/engine/ops/reshape.ts'
import { softmaxCrossEntropy } from '../../../src/engine/ops/softmax-cross-entropy.ts'
import { sum } from '../../../src/engine/ops/sum-and-broadcast.ts'
import { fusions } from '../../../src/engine/plan/fusions.ts'
import { describePlan, describeStep, makePlan } from '../../../src/engine/plan/plan.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { align, Input, Resident, type Tensor } from '../../../src/engine/tensor.ts'
import { adamUpdate } from '../../../src/engine/updates/adam.ts'
import { sgdUpdate } from '../../../src/engine/updates/sgd.ts'
import { numbers } from '../device-suite.ts'
import { relativeError } from '../operation-cases.ts'

const shape = [3, 5]
const place = align(15 * 4)
const parameters = [0, 1, 2].map((i) => new Resident('p', i * place, shape))

/** Parameters after updates on a device: three tensors of [3, 5] in one block. */
async function updated(
  device: Device,
  gradientsOf: (p: readonly Tensor[]) => readonly (Tensor | null)[],
): Promise<number[][]> {
  const elements = (3 * place) / 4
  const blocks = { p: device.allocate('f32', elements), v: device.allocate('f32', elements) }
  device.write(blocks.p, numbers([elements]))
  const stepSize = new Input('stepSize', [1])
  const updates = gradientsOf(parameters).flatMap((gradient, i) =>
    gradient ? [sgdUpdate(parameters[i], new Resident('v', i * place, shape), gradient, stepSize, 0.5)] : [],
  )
  const program = await device.lower(makePlan({ outputs: {}, updates }, device.fusions), blocks)
  for (let run = 0; run < 2; run++) await device.run(program, { stepSize: Float32Array.of(0.1) })
  return Promise.all(
    parameters.map(async ({ offset }) =>
      Array.from(await device.read({ memory: blocks.p, operand: { shape, dtype: 'f32', offset } })),
    ),
  )
}

async function expectSameUpdates(gradientsOf: (p: readonly Tensor[]) => readonly (Tensor | null)[]): Promise<void> {
  const expected = await updated(new ReferenceDevice(), gradientsOf)
  const actual = await updated(new CpuDevice(), gradientsOf)
  actual.forEach((values, i) => expect(relativeError(values, expected[i]), `parameter ${i}`).toBeLessThan(1e-6))
}

describe('a block of a residual network', () => {
  const x = new Input('x', [2, 8, 8, 16])
  const parameter = (name: string, shape: readonly number[]) => new Input(name, shape)
  const norm = (y: Tensor, name: string) =>
    add(mul(y, parameter(`${name}.scale`, [16])), parameter(`${name}.shift`, [16]))
  const convolve = (y: Tensor, name: string) =>
    norm(conv2d(y, parameter(`${name}.kernel`, [3, 3, 16, 16]), { padding: 'same' }), name)
  const y = relu(add(convolve(relu(convolve(x, 'first')), 'second'), x))
  const stepsFor = (device: Device) =>
    makePlan({ outputs: { y } }, device.fusions)
      .steps.map(describeStep)
      .map((line) => line.split(' ')[0])

  it('is two steps on cpu: norms, shortcut and relu are done while sums are stored', () => {
    const device = new CpuDevice()
    expect(stepsFor(device)).toEqual(['conv2d+bias+relu+gain', 'conv2d+bias+relu+gain+residual'])
    device.dispose()
  })

  it('is as many where weights are added to before: (k x + b) s + t is one gain and one bias', () => {
    const vector = (name: string) => parameter(name, [16])
    const sums = conv2d(x, parameter('kernel', [1, 1, 16, 16]), { bias: vector('b') })
    const twice = add(mul(mul(sums, vector('s')), vector('r')), vector('t'))
    const { steps } = makePlan({ outputs: { y: twice } }, new Set(fusions))
    expect(steps.filter(({ outputs }) => outputs[0].shape.length === 4)).toHaveLength(1)
    expect(describeStep(steps[steps.length - 1])).toMatch(/^conv2d\+bias\+half\+gain /)
  })
})

describe('flat updates', () => {
  it('leave a frozen parameter between two trained ones as it is', () =>
    expectSameUpdates((p) => {
      const [a, c] = gradients(sum(square(mul(mul(p[0], p[1]), p[2]))), [p[0], p[2]])
      return [a, null, c]
    }))

  it('take gradients that parameters share', () =>
    expectSameUpdates((p) => gradients(sum(square(add(add(p[0], p[1]), p[2]))), p)))

  it('take gradients that are constants, inputs of others, and zero', () =>
    expectSameUpdates((p) => gradients(sum(add(mul(p[0], 3), square(p[1]))), p)))

  it('see the state as it was before all of them', () => expectSameUpdates((p) => [p[1], p[0], p[2]]))

  it('are one step when nothing is left out', () => {
    const slots = (block: string) => parameters.map(({ offset }) => new Resident(block, offset, shape))
    const [m, v] = [slots('m'), slots('v')]
    const slopes = gradients(sum(square(mul(mul(parameters[0], parameters[1]), parameters[2]))), parameters)
    const stepSize = new Input('stepSize', [1])
    const constants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }
    const updates = parameters.map((p, i) => adamUpdate(p, m[i], v[i], slopes[i], stepSize, constants))
    const count = (fusions: ReadonlySet<'flatUpdates'>) =>
      makePlan({ outputs: {}, updates }, fusions).steps.filter(({ kernel }) => kernel === 'adam').length
    expect(count(new Set(['flatUpdates']))).toBe(1)
    expect(count(new Set())).toBe(3)
  })
})

describe('fusion keeps the result', () => {
  const devices = [new CpuDevice(), new ReferenceDevice()] as const
  const expectSame = async (outputs: Record<string, Tensor>, inputs: Record<string, Float32Array | Int32Array>) => {
    const [actual, expected] = [
      await compute(devices[0], { outputs }, inputs),
      await compute(devices[1], { outputs }, inputs),
    ]
    for (const name of Object.keys(outputs))
      expect(relativeError(actual[name], expected[name]), name).toBeLessThan(1e-5)
  }

  it('where a mask stretches the product', async () => {
    const [a, b, x] = [new Input('a', [4, 3]), new Input('b', [3, 1]), new Input('x', [1, 4])]
    const y = mul(matmul(a, b), step(x))
    await expectSame({ y }, { a: numbers(a.shape), b: numbers(b.shape, 2), x: numbers(x.shape, 3) })
  })

  it('where a product is added to itself, or to itself as a vector, or multiplied by it', async () => {
    const [a, row, b] = [new Input('a', [4, 5]), new Input('row', [1, 5]), new Input('b', [5, 3])]
    const [twice, shifted, scaled] = [matmul(a, b), matmul(row, b), matmul(row, b)]
    await expectSame(
      {
        twice: add(twice, twice),
        shifted: add(shifted, reshape(shifted, [3])),
        scaled: mul(scaled, reshape(scaled, [3])),
      },
      { a: numbers(a.shape), row: numbers(row.shape, 2), b: numbers(b.shape, 3) },
    )
  })

  it('where the gradient of a cross-entropy depends on the loss', async () => {
    const logits = new Input('logits', [6, 4])
    const labels = new Input('labels', [6], 'i32')
    const [slope] = gradients(mean(square(softmaxCrossEntropy(logits, labels))), [logits])
    await expectSame({ slope }, { logits: numbers(logits.shape), labels: Int32Array.of(0, 1, 2, 3, 0, 1) })
  })

  it('where the loss and its gradient come from one kernel', async () => {
    const logits = new Input('logits', [6, 4])
    const labels = new Input('labels', [6], 'i32')
    const losses = softmaxCrossEntropy(logits, labels)
    const [slope] = gradients(mean(losses), [logits])
    const text = describePlan(makePlan({ outputs: { losses, slope } }, devices[0].fusions))
    expect(text).toContain('softmaxCrossEntropyWithGradient')
    await expectSame({ losses, slope }, { logits: numbers(logits.shape), labels: Int32Array.of(0, 1, 2, 3, 0, 1) })
  })

  it('where a product is an output, too', async () => {
    const [a, b] = [new Input('a', [4, 3]), new Input('b', [3, 4])]
    const product = matmul(a, b)
    const shifted = sub(product, 1)
    await expectSame(
      { product, shifted, masked: mul(product, step(shifted)) },
      { a: numbers(a.shape), b: numbers(b.shape, 2) },
    )
  })

  it('where a product meets itself', async () => {
    const [a, b] = [new Input('a', [4, 3]), new Input('b', [3, 4])]
    const product = matmul(a, b)
    const row = matmul(new Input('c', [1, 3]), b)
    await expectSame(
      { twice: add(product, product), rowTwice: add(row, row), squares: mul(row, row) },
      { a: numbers(a.shape), b: numbers(b.shape, 2), c: numbers([1, 3], 3) },
    )
  })
  it('where a dense layer takes sequences: all rows at once, with bias and relu', async () => {
    const [x, w, b] = [new Input('x', [2, 5, 6]), new Input('w', [6, 7]), new Input('b', [7])]
    const y = relu(dense(x, w, b))
    const plan = makePlan({ outputs: { y } }, devices[0].fusions)
    expect(plan.steps.map(({ kernel, outputs }) => [kernel, outputs[0].shape])).toEqual([['matmul', [10, 7]]])
    const [dw, db] = gradients(sum(mul(y, y)), [w, b])
    await expectSame({ y, dw, db }, { x: numbers(x.shape), w: numbers(w.shape, 2), b: numbers(b.shape, 3) })
  })

  it('where sequences end in a shortcut, and each channel is scaled', async () => {
    const [x, w, b, g] = [new Input('x', [2, 5, 6]), new Input('w', [6, 6]), new Input('b', [6]), new Input('g', [6])]
    const y = relu(add(mul(dense(x, w, b), g), x))
    const z = matmul(y, y, { transposeB: true })
    const shifted = relu(add(mul(z, new Input('h', [5])), new Input('s', [2, 5, 5])))
    const [dx, dw, dg] = gradients(sum(square(shifted)), [x, w, g])
    await expectSame(
      { shifted, dx, dw, dg },
      {
        ...Object.fromEntries([x, w, b, g].map((input, i) => [input.name, numbers(input.shape, i + 1)])),
        h: numbers([5], 5),
        s: numbers([2, 5, 5], 6),
      },
    )
  })

  it('where products of batches share a bias and a mask', async () => {
    const [x, w, b] = [new Input('x', [3, 5, 6]), new Input('w', [3, 6, 7]), new Input('b', [7])]
    const hidden = relu(add(matmul(x, w), b))
    expect(makePlan({ outputs: { hidden } }, devices[0].fusions).steps.map(({ kernel }) => kernel)).toEqual(['matmul'])
    const y = matmul(hidden, w, { transposeB: true })
    const [dx, dw, db] = gradients(sum(mul(y, y)), [x, w, b])
    await expectSame({ y, dx, dw, db }, { x: numbers(x.shape), w: numbers(w.shape, 2), b: numbers(b.shape, 3) })
  })
})
