import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import { gradients } from '../../../src/engine/gradients.ts'
import { type UnaryName, unaryRows } from '../../../src/engine/ops/elementwise.ts'
import { ops } from '../../../src/engine/ops/public.ts'
import { erf, erfcx, power, roundHalfToEven } from '../../../src/engine/ops/special-functions.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input, type Tensor } from '../../../src/engine/tensor.ts'
import { relativeError } from '../operation-cases.ts'

const device = new ReferenceDevice()

/** A function's values and its slopes. */
async function slopesOf(build: (x: Tensor) => Tensor, values: readonly number[]) {
  const x = new Input('x', [values.length])
  const y = build(x)
  const [slope] = gradients(ops.sum(y), [x])
  const results = await compute(device, { outputs: { y, slope } }, { x: Float64Array.from(values) })
  return { y: [...results.y], slope: [...results.slope] }
}

// By mpmath 1.3 with 40 digits, from the functions' definitions.
describe('the reference has the digits of 40-digit arithmetic', () => {
  it('erf and e^x² erfc', () => {
    const table: readonly (readonly [number, number, number])[] = [
      [0.1, 0.1124629160182849, 0.8964569799691267],
      [0.5, 0.5204998778130465, 0.6156903441929259],
      [1, 0.8427007929497149, 0.427583576155807],
      [1.9, 0.9927904292352575, 0.26650937366167265],
      [2, 0.9953222650189527, 0.25539567631050575],
      [2.5, 0.999593047982555, 0.2108063640611436],
      [4, 0.9999999845827421, 0.13699945762506138],
      [6, 1.0, 0.09277656780053835],
    ]
    for (const [x, error, scaled] of table) {
      expect(relativeError([erf(x), erf(-x)], [error, -error]), `erf(${x})`).toBeLessThanOrEqual(4e-16)
      expect(relativeError([erfcx(x)], [scaled]), `erfcx(${x})`).toBeLessThanOrEqual(1e-13)
    }
  })

  it('gelu, its tanh form, mish, softplus and silu, in their tails', () => {
    const names = ['gelu', 'geluTanh', 'mish', 'softplus', 'silu'] as const satisfies readonly UnaryName[]
    const table: readonly (readonly [number, readonly number[]])[] = [
      [1, [0.8413447460685429, 0.8411919906082767, 0.8650983882673103, 1.3132616875182228, 0.7310585786300049]],
      [-1, [-0.15865525393145705, -0.1588080093917233, -0.3034014613741089, 0.3132616875182228, -0.2689414213699951]],
      [
        -5,
        [
          -1.4332578593959695e-6, -2.291796196629506e-7, -0.033576237730161704, 0.006715348489118068,
          -0.03346425462142428,
        ],
      ],
      [
        -10,
        [
          -7.619853024160526e-23, -1.204092348209806e-37, -4.539889918567469e-4, 4.539889921686465e-5,
          -0.00045397868702434395,
        ],
      ],
    ]
    for (const [x, expected] of table)
      names.forEach((name, i) => {
        expect(Math.abs(unaryRows[name].apply(x, {}) / expected[i] - 1), `${name}(${x})`).toBeLessThanOrEqual(1e-13)
      })
  })
})

it('rounds halves to the even number', () => {
  expect([-2.5, -1.5, -0.6, -0.5, 0.5, 0.6, 1.5, 2.5, 3.49, 1e300].map((x) => roundHalfToEven(x) + 0)).toEqual([
    -2, -2, -1, 0, 0, 1, 2, 2, 3, 1e300,
  ])
})

it('raises to powers as IEEE 754 has it', () => {
  const [nan, infinity] = [Number.NaN, Number.POSITIVE_INFINITY]
  expect(power(-2, 3)).toBe(-8)
  expect(power(-2, -2)).toBe(0.25)
  expect(power(-2, 0.5)).toBeNaN()
  expect([power(1, nan), power(nan, 0), power(-1, infinity), power(0, -1)]).toEqual([1, 1, 1, infinity])
})

describe('slopes', () => {
  it('of clip and relu6 are 0 at the bounds and beyond', async () => {
    const values = [-1, 0, 1e-9, 3, 6, 7]
    const relu6 = await slopesOf(ops.relu6, values)
    expect(relu6).toEqual({ y: [0, 0, 1e-9, 3, 6, 6], slope: [0, 0, 1, 1, 0, 0] })
    expect(await slopesOf((x) => ops.clip(x, { min: 0, max: 6 }), values)).toEqual(relu6)
    expect(await slopesOf((x) => ops.clip(x, { min: 0 }), values)).toEqual({
      y: [0, 0, 1e-9, 3, 6, 7],
      slope: [0, 0, 1, 1, 1, 1],
    })
    // The wrong way round, the upper bound counts, as in ONNX and NumPy.
    expect(await slopesOf((x) => ops.clip(x, { min: 5, max: 2 }), [0, 9])).toEqual({ y: [2, 2], slope: [0, 0] })
  })

  it('at kinks are those that the operations document', async () => {
    expect(await slopesOf((x) => ops.hardSigmoid(x), [-3, 3])).toEqual({ y: [0, 1], slope: [0, 0] })
    expect(await slopesOf(ops.hardSwish, [-3, 3])).toEqual({ y: [-0, 3], slope: [0, 1] })
    expect(await slopesOf((x) => ops.leakyRelu(x, { alpha: 0.3 }), [0])).toEqual({ y: [0], slope: [0.3] })
    expect(await slopesOf((x) => ops.prelu(x, 0.3), [0])).toEqual({ y: [0], slope: [0.3] })
  })

  it('of powers exist at 0 and below', async () => {
    expect(await slopesOf((x) => ops.pow(x, 3), [-2, 0, 2])).toEqual({ y: [-8, 0, 8], slope: [12, 0, 12] })
    expect(await slopesOf((x) => ops.pow(x, 0), [0, 2])).toEqual({ y: [1, 1], slope: [0, 0] })
    expect(await slopesOf((x) => ops.pow(0, x), [2, 0])).toEqual({ y: [0, 1], slope: [0, 0] })
    expect(await slopesOf((x) => ops.pow(-2, x), [2])).toEqual({ y: [4], slope: [0] })
  })
})

describe('parameters', () => {
  const x = new Input('x', [2])
  it('are a node’s attributes, those that were not given too', () => {
    expect(ops.leakyRelu(x).attributes).toEqual({ alpha: 0.2 })
    expect(ops.hardSigmoid(x, { beta: 0.4 }).attributes).toEqual({ alpha: 1 / 6, beta: 0.4 })
    expect(ops.elu(x, { alpha: undefined }).attributes).toEqual({ alpha: 1 })
    expect(ops.gelu(x).operation.name).toBe('gelu')
    expect(ops.gelu(x, { approximate: true }).operation.name).toBe('geluTanh')
  })

  it('that are no numbers, or that there are not, are refused by name', () => {
    expect(() => ops.clip(x, { min: Number.NaN })).toThrow('ops.clip: min must be a finite number, not NaN')
    // @ts-expect-error: Keras's name
    expect(() => ops.leakyRelu(x, { negativeSlope: 0.1 })).toThrow(ArgumentError)
  })
})

describe('softmax along an axis', () => {
  const x = new Input('x', [2, 3, 4])
  it('is the plain one along the last, whichever way that is named', () => {
    for (const axis of [undefined, -1, 2]) expect(ops.softmax(x, { axis }).attributes).toEqual({})
    expect(ops.softmax(x, { axis: -3 }).attributes).toEqual({ axis: 0 })
  })

  it('refuses an axis that there is not', () => {
    expect(() => ops.logSoftmax(x, { axis: 3 })).toThrow(new ShapeError('logSoftmax: axis 3 is not one of [2,3,4]'))
  })
})

it('where stretches all three, and refuses shapes that do not broadcast', () => {
  const [a, b, c] = [new Input('a', [2]), new Input('b', [3]), new Input('c', [2, 1], 'i32')]
  expect(() => ops.where(c, a, b)).toThrow(new ShapeError('where: shapes [2] and [3] do not broadcast together'))
  expect(ops.where(c, a, 1).shape).toEqual([2, 2])
})
