import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compute } from '../../src/engine/compute.ts'
import type { Device, HostArray } from '../../src/engine/device.ts'
import { DeviceError } from '../../src/engine/errors.ts'
import { model } from '../../src/engine/facade/model.ts'
import type { Safetensors } from '../../src/engine/formats/safetensors.ts'
import { gradients } from '../../src/engine/gradients.ts'
import { concatenate, input as graphInput, add as sumOf } from '../../src/engine/model/graph.ts'
import {
  activation,
  batchNormalization,
  conv2d as convolution,
  dense as denseLayer,
  flatten as flattened,
  randomFlip,
  randomTranslation,
  spatialDropout2d,
} from '../../src/engine/model/layers/public.ts'
import { blendBySegments, packMasks } from '../../src/engine/ops/blend-by-segments.ts'
import { conv2d } from '../../src/engine/ops/conv2d.ts'
import {
  add,
  type BinaryName,
  binaryRows,
  clip,
  elementwise,
  equal,
  greater,
  less,
  mul,
  relu,
  relu6,
  type UnaryName,
  unaryRows,
} from '../../src/engine/ops/elementwise.ts'
import { gather } from '../../src/engine/ops/gather.ts'
import { dense, matmul } from '../../src/engine/ops/matmul.ts'
import { pad } from '../../src/engine/ops/pad.ts'
import { avgPool, maxPool } from '../../src/engine/ops/pool.ts'
import { random } from '../../src/engine/ops/random.ts'
import { argMax, l2, max, mean, min } from '../../src/engine/ops/reduce.ts'
import { flatten, reshape } from '../../src/engine/ops/reshape.ts'
import { logSoftmax, softmax } from '../../src/engine/ops/softmax.ts'
import { softmaxCrossEntropy } from '../../src/engine/ops/softmax-cross-entropy.ts'
import { sum } from '../../src/engine/ops/sum-and-broadcast.ts'
import { makePlan } from '../../src/engine/plan/plan.ts'
import type { Graph } from '../../src/engine/plan/trace.ts'
import { ReferenceDevice } from '../../src/engine/reference/device.ts'
import {
  align,
  Constant,
  Input,
  largestFloat32,
  Resident,
  type Shape,
  sizeOf,
  type Tensor,
} from '../../src/engine/tensor.ts'
import { sgd } from '../../src/engine/training/optimizers.ts'
import { adamUpdate } from '../../src/engine/updates/adam.ts'
import { adamWUpdate } from '../../src/engine/updates/adam-w.ts'
import { assignUpdate } from '../../src/engine/updates/assign.ts'
import { nesterovUpdate } from '../../src/engine/updates/nesterov.ts'
import { recordUpdate } from '../../src/engine/updates/record.ts'
import { sgdUpdate } from '../../src/engine/updates/sgd.ts'
import { caseGraph, type OperationCase, operationCases, relativeError } from './operation-cases.ts'

/**
 * What every device must do, in Node and in the browser: each operation and fusion as the reference device computes it, the
 * numbers PyTorch computed (test/reference/ops.safetensors), updates in place, and the contract of device.ts.
 */
export interface DeviceSuiteOptions {
  readonly name: string
  readonly open: () => Promise<Device>
  /** test/reference/ops.safetensors, however files are read here. */
  readonly loadOps: () => Promise<Safetensors>
  /** All there are unless given. */
  readonly cases?: readonly OperationCase[]
  /** Against float64; 1e-5 unless given. */
  readonly tolerance?: number
}

const reference = new ReferenceDevice()

/** Numbers between -1 and 1 without a pattern that hides swapped indices. */
export function numbers(shape: Shape, seed = 1): Float32Array {
  return Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin((i + 1) * 12.9898 * seed + seed) * 0.9)
}

export function deviceSuite({
  name,
  open,
  loadOps,
  cases = operationCases,
  tolerance = 1e-5,
}: DeviceSuiteOptions): void {
  describe(name, () => {
    let device: Device
    let ops: Safetensors
    beforeAll(async () => {
      device = await open()
      ops = await loadOps()
    })
    afterAll(() => device?.dispose())

    const compare = async (graph: Graph, inputs: Readonly<Record<string, HostArray>>) => {
      const [actual, expected] = [await compute(device, graph, inputs), await compute(reference, graph, inputs)]
      for (const output of Object.keys(graph.outputs))
        expect(relativeError(actual[output], expected[output]), output).toBeLessThanOrEqual(tolerance)
    }

    describe('computes what the reference device computes', () => {
      for (const problem of cases)
        it(problem.name, async () => {
          const { graph, inputs } = caseGraph(problem)
          await compare(graph, inputs)
        })

      it('random, bit for bit', async () => {
        const graph = { outputs: { y: random(new Input('position', [1], 'i32'), [3, 17], 123) } }
        const inputs = { position: Int32Array.of(-5) }
        const [actual, expected] = [await compute(device, graph, inputs), await compute(reference, graph, inputs)]
        expect([...actual.y]).toEqual([...expected.y])
      })

      it('exp, log, sigmoid and tanh far from and close to 0', async () => {
        const x = new Input('x', [1])
        const { exp, log, sigmoid, tanh } = await import('../../src/engine/ops/elementwise.ts')
        const graph = { outputs: { e: exp(x), s: sigmoid(x), t: tanh(x), l: log(exp(x)) } }
        const program = await device.lower(makePlan(graph, device.fusions), {})
        for (const value of [-80, -20, -1.5, -0.31, -0.29, -1e-3, 1e-6, 0.01, 0.299, 0.301, 0.5, 1, 7, 30, 80]) {
          const inputs = { x: Float32Array.of(value) }
          await device.run(program, inputs)
          const expected = await compute(reference, graph, { x: Float64Array.of(inputs.x[0]) })
          // log(exp(x)) is as ill-conditioned as x is small.
          const outputs = Math.abs(value) < 0.1 ? ['e', 's', 't'] : ['e', 's', 't', 'l']
          for (const output of outputs)
            expect(
              relativeError(await device.read(program.outputs[output]), expected[output as 'e']),
              `${output}(${value})`,
            ).toBeLessThanOrEqual(tolerance)
        }
        program.dispose()
      })

      /** Where a result is not the reference's number, one by one: relative to it, or to `scale` where that is larger. */
      const deviations = (
        actual: ArrayLike<number>,
        expected: ArrayLike<number>,
        scale: number,
        describe: (index: number) => string,
      ) =>
        Array.from(expected).flatMap((value, i) => {
          const given = Math.fround(actual[i])
          const isSame = Object.is(given, Math.fround(value)) || given === Math.fround(value)
          // Numbers below float32's normal ones may be taken for 0.
          const isNear = Math.abs(given - value) <= tolerance * Math.max(Math.abs(value), scale) + 1.2e-38
          return isSame || isNear ? [] : [`${describe(i)} is ${given}, not ${value}`]
        })

      it('functions of one number far from, close to and at 0, of infinity and of what is no number', async () => {
        const magnitudes = [
          0,
          1e-30,
          1e-10,
          1e-6,
          1e-4,
          0.01,
          0.1,
          0.25,
          0.49,
          0.5,
          0.51,
          0.7,
          0.99,
          1,
          1.01,
          1.39,
          1.41,
          1.5,
          2,
          2.5,
          2.99,
          3,
          3.01,
          4,
          5,
          6,
          7.3,
          9,
          12,
          13,
          17,
          20,
          30,
          50,
          80,
          86,
          89,
          100,
          333,
          1000,
          9999,
          1e5,
          1e10,
          3e38,
          Infinity,
        ]
        const values = Float32Array.from([...magnitudes, ...magnitudes.map((value) => -value), Number.NaN])
        const x = new Input('x', [values.length])
        const names = Object.keys(unaryRows) as UnaryName[]
        const rows = Object.fromEntries(names.map((each) => [each, elementwise(each, [x])]))
        const outputs: Record<string, Tensor> = { ...rows, relu6: relu6(x) }
        const actual = await compute(device, { outputs }, { x: values })
        const expected = await compute(reference, { outputs }, { x: values })
        // Of more than 10,000 radians waves need only be waves.
        const isFar = (angle: number) => Math.abs(angle) > 10_000 && Number.isFinite(angle)
        for (const wave of ['sin', 'cos'])
          actual[wave].forEach((height, i) => {
            if (isFar(values[i]) && Math.abs(height) <= 1) expected[wave][i] = height
          })
        const wrong = Object.keys(outputs).flatMap((each) =>
          deviations(
            actual[each],
            expected[each],
            each === 'sin' || each === 'cos' ? 1 : 0,
            (i) => `${each}(${values[i]})`,
          ),
        )
        expect(wrong).toEqual([])
      })

      it('functions of two numbers far from, close to and at 0, of infinity and of what is no number', async () => {
        const magnitudes = [0, 1e-30, 0.3, 0.5, 1, 1.3, 2, 2.5, 3, 10, 37, 300, 301, 20000, 3e38, Infinity]
        const values = Float32Array.from([...magnitudes, ...magnitudes.slice(1).map((value) => -value), Number.NaN])
        const [a, b] = [new Input('a', [values.length, 1]), new Input('b', [values.length])]
        const names = Object.keys(binaryRows) as BinaryName[]
        const outputs = Object.fromEntries(names.map((each) => [each, elementwise(each, [a, b])]))
        const inputs = { a: values, b: values }
        const actual = await compute(device, { outputs }, inputs)
        const expected = await compute(reference, { outputs }, inputs)
        const wrong = names.flatMap((each) =>
          deviations(
            actual[each],
            expected[each],
            0,
            (i) => `${each}(${values[Math.floor(i / values.length)]}, ${values[i % values.length]})`,
          ),
        )
        expect(wrong).toEqual([])
      })

      it('clips and pads to numbers that are infinite in float32: its largest stands for them', async () => {
        const x = new Input('x', [4])
        const [far, infinity] = [1e39, Number.POSITIVE_INFINITY]
        const outputs = {
          above: clip(x, { min: 0, max: infinity }),
          below: clip(x, { min: -far, max: 0 }),
          nothing: clip(x, { min: infinity }),
          padded: pad(x, [[1, 0]], { value: -infinity }),
          farAround: pad(x, [[0, 2]], { value: far }),
        }
        const found = await compute(device, { outputs }, { x: Float32Array.of(-2, 3e38, -3e38, infinity) })
        const [large, largest] = [Math.fround(3e38), largestFloat32]
        expect(Object.fromEntries(Object.entries(found).map(([name, values]) => [name, [...values]]))).toEqual({
          above: [0, large, 0, largest],
          below: [-2, 0, -large, 0],
          nothing: [largest, largest, largest, largest],
          padded: [-largest, -2, large, -large, infinity],
          farAround: [-2, large, -large, infinity, largest, largest],
        })
      })

      it('comparisons of integers that are the same number in float32', async () => {
        const [a, b] = [new Input('a', [3], 'i32'), new Input('b', [3], 'i32')]
        const outputs = { equal: equal(a, b), less: less(a, b), greater: greater(a, b) }
        const inputs = { a: Int32Array.of(16777216, 16777217, -5), b: Int32Array.of(16777217, 16777217, -6) }
        const results = await compute(device, { outputs }, inputs)
        expect(Object.values(results).map((values) => [...values])).toEqual([
          [0, 1, 0],
          [1, 0, 0],
          [0, 0, 1],
        ])
      })

      it('softmax and its logarithm of classes that are left out, and of a certain one', async () => {
        const x = new Input('x', [2, 3])
        const outputs = { softmax: softmax(x), logSoftmax: logSoftmax(x), first: softmax(x, { axis: 0 }) }
        const inputs = { x: Float32Array.of(1, Number.NEGATIVE_INFINITY, 2, 30, 12, 0) }
        const actual = await compute(device, { outputs }, inputs)
        const expected = await compute(reference, { outputs }, inputs)
        const wrong = Object.keys(outputs).flatMap((each) =>
          deviations(actual[each as 'first'], expected[each as 'first'], 0, (i) => `${each}[${i}]`),
        )
        expect(wrong).toEqual([])
      })

      it('a long sum, a wide maximum and a long product', async () => {
        const x = new Input('x', [7000, 3])
        const a = new Input('a', [3, 3000])
        const graph = {
          outputs: {
            columns: sum(x, { axes: 0 }),
            mean: mean(x),
            largest: max(x),
            smallest: min(x),
            lengths: l2(x, { axes: 0 }),
            length: l2(a),
            rows: max(a, { axes: 1 }),
            product: matmul(a, a, { transposeB: true }),
          },
        }
        await compare(graph, { x: numbers(x.shape).map((v) => v + 1), a: numbers(a.shape, 2) })
      })

      it('a tensor with itself, its parts and its copies', async () => {
        const x = new Input('x', [6, 6])
        const y = add(x, 1)
        const square = matmul(y, y, { transposeB: true })
        const graph = { outputs: { square, product: mul(y, y), same: square, given: x, times: matmul(square, square) } }
        await compare(graph, { x: numbers(x.shape) })
      })

      it('accuracy: equality of integers', async () => {
        const logits = new Input('logits', [50, 4])
        const labels = new Input('labels', [50], 'i32')
        const graph = { outputs: { hits: sum(equal(argMax(logits), labels)) } }
        await compare(graph, {
          logits: numbers(logits.shape),
          labels: Int32Array.from({ length: 50 }, (_, i) => i % 4),
        })
      })

      it('more elements than one dimension of workgroups reaches', async () => {
        const x = new Input('x', [1])
        const wide = 65536 * 64 + 5
        const y = mul(new Resident('wide', 0, [wide]), x)
        const memory = device.allocate('f32', wide)
        const values = new Float32Array(wide)
        values[wide - 1] = 3
        values[65535 * 64] = 2
        device.write(memory, values)
        const program = await device.lower(makePlan({ outputs: { y } }, device.fusions), { wide: memory })
        await device.run(program, { x: Float32Array.of(2) })
        const result = await device.read(program.outputs.y)
        expect([result[wide - 1], result[65535 * 64], result[65535 * 64 - 1]]).toEqual([6, 4, 0])
        program.dispose()
        memory.dispose()
      })

      it('a small network: its loss, its predictions and the gradients of all its parameters', async () => {
        const shapes = { k1: [3, 3, 1, 12], b1: [12], k2: [3, 3, 12, 8], b2: [8], w: [8 * 8 * 8, 10], b3: [10] }
        const given = Object.fromEntries(Object.entries(shapes).map(([key, shape]) => [key, new Input(key, shape)]))
        const x = new Input('x', [5, 8, 8, 1])
        const labels = new Input('labels', [5], 'i32')
        const first = relu(conv2d(x, given.k1, { padding: 'same', bias: given.b1 }))
        const second = relu(conv2d(first, given.k2, { padding: 'same', bias: given.b2 }))
        const logits = dense(flatten(second), given.w, given.b3)
        const loss = mean(softmaxCrossEntropy(logits, labels))
        const slopes = gradients(loss, Object.values(given))
        const named = Object.fromEntries(Object.keys(shapes).map((key, i) => [`d.${key}`, slopes[i]]))
        const values = Object.entries(shapes).map(([key, shape], i) => [key, numbers(shape, i + 2).map((v) => v / 4)])
        await compare(
          { outputs: { loss, probabilities: softmax(logits), ...named } },
          { ...Object.fromEntries(values), x: numbers(x.shape), labels: Int32Array.of(3, 0, 9, 1, 3) },
        )
      })

      const layers: readonly (readonly [string, Shape, Shape, Parameters<typeof conv2d>[2]])[] = [
        ['one channel, as the tutorial begins', [5, 9, 10, 1], [3, 3, 1, 12], { padding: 'same' }],
        ['eight channels, as many as a subgroup', [2, 7, 5, 8], [3, 3, 8, 8], { padding: 'same' }],
        ['odd numbers of channels and filters', [3, 6, 7, 3], [2, 3, 3, 5], { padding: 'valid' }],
        ['a large window', [2, 9, 9, 4], [7, 7, 4, 4], { padding: 'same' }],
        ['strides', [3, 9, 8, 4], [3, 3, 4, 6], { padding: 'same', strides: [2, 1] }],
      ]
      for (const [what, imageShape, kernelShape, options] of layers)
        it(`a convolution's gradients, its bias's too: ${what}`, async () => {
          const x = new Input('x', imageShape)
          const kernel = new Input('kernel', kernelShape)
          const bias = new Input('bias', [kernelShape[3]])
          const y = relu(conv2d(x, kernel, { ...options, bias }))
          const weights = new Input('weights', y.shape)
          const [dx, dkernel, dbias] = gradients(sum(mul(y, weights)), [x, kernel, bias])
          const inputs = Object.fromEntries(
            [x, kernel, bias, weights].map((input, i) => [input.name, numbers(input.shape, i + 1)]),
          )
          await compare({ outputs: { dx, dkernel, dbias } }, inputs)
        })

      for (const [rows, width, units] of [
        [4, 700, 10],
        [300, 6, 5],
        [3, 9, 20],
      ])
        it(`a dense layer and its gradients: ${rows} rows of ${width}, ${units} units`, async () => {
          const [x, w, b] = [new Input('x', [rows, width]), new Input('w', [width, units]), new Input('b', [units])]
          const labels = new Input('labels', [rows], 'i32')
          const y = dense(x, w, b)
          const losses = softmaxCrossEntropy(y, labels)
          const [dx, dw, db] = gradients(mean(losses), [x, w, b])
          const hits = equal(argMax(y), labels)
          const inputs = Object.fromEntries([x, w, b].map((input, i) => [input.name, numbers(input.shape, i + 1)]))
          await compare(
            { outputs: { dx, dw, db, losses, hits } },
            { ...inputs, labels: Int32Array.from({ length: rows }, (_, i) => i % units) },
          )
        })

      it('an explanation: segments blended inside the first convolution', async () => {
        const image = new Input('image', [9, 10, 3])
        const fudged = new Input('fudged', [9, 10, 3])
        const segments = new Input('segments', [9, 10], 'i32')
        const masks = new Input('masks', [6, 2], 'i32')
        const kernel = new Input('kernel', [3, 3, 3, 7])
        const y = relu(conv2d(blendBySegments(image, fudged, segments, masks), kernel, { strides: 2 }))
        const bits = Uint8Array.from({ length: 6 * 40 }, (_, i) => (i * i + (i >> 3)) % 2)
        await compare(
          { outputs: { y } },
          {
            image: numbers(image.shape),
            fudged: numbers(fudged.shape, 2),
            segments: Int32Array.from({ length: 90 }, (_, i) => i % 40),
            masks: packMasks(bits, 6, 40),
            kernel: numbers(kernel.shape, 3),
          },
        )
      })
    })

    describe('computes what PyTorch computed', () => {
      const take = (key: string) => {
        const tensor = ops.tensors.get(key)
        if (!tensor) throw new Error(`ops.safetensors has no ${key}`)
        const { data } = tensor
        return { shape: tensor.shape, values: data instanceof Int32Array ? data : Float32Array.from(data) }
      }
      const input = (key: string, name: string) => {
        const { shape, values } = take(`${key}/${name}`)
        return new Input(name, shape, values instanceof Int32Array ? 'i32' : 'f32')
      }
      const attributesOf = (key: string): Record<string, number | 'same' | 'valid'> =>
        JSON.parse(ops.metadata.cases)[key]

      /** Runs y(inputs) and the gradients of Σ y · dy, and compares with the tensors of the same names. */
      const check = async (
        key: string,
        names: readonly string[],
        build: (given: Readonly<Record<string, Input>>) => Tensor,
      ) => {
        const given = Object.fromEntries(names.map((each) => [each, input(key, each)]))
        const y = build(given)
        const slopes = gradients(sum(mul(y, input(key, 'dy'))), Object.values(given))
        const outputs = { y, ...Object.fromEntries(names.map((each, i) => [`d${each}`, slopes[i]])) }
        const values = Object.fromEntries([...names, 'dy'].map((each) => [each, take(`${key}/${each}`).values]))
        const results = await compute(device, { outputs }, values)
        for (const [output, values] of Object.entries(results))
          expect(relativeError(values, take(`${key}/${output}`).values), output).toBeLessThanOrEqual(tolerance)
      }

      for (const each of [
        'same3',
        'same3_c1',
        'same3_c48_f32',
        'same3_c32_f16',
        'same5',
        'valid3',
        'same3_stride2_even',
        'same3_stride2_odd',
        'valid3_stride2',
        'same2_even_kernel',
        'same_3x5_kernel',
        'pointwise',
        'same3_tiny',
      ])
        it(`conv/${each}`, () => {
          const { padding, stride } = attributesOf(`conv/${each}`)
          return check(`conv/${each}`, ['x', 'kernel', 'bias'], ({ x, kernel, bias }) =>
            conv2d(x, kernel, { bias, padding: padding as 'same', strides: stride as number }),
          )
        })
      for (const each of ['small', 'wide'])
        it(`dense/${each}`, () =>
          check(`dense/${each}`, ['x', 'kernel', 'bias'], ({ x, kernel, bias }) => dense(x, kernel, bias)))
      it('relu', () => check('relu', ['x'], ({ x }) => relu(x)))
      for (const each of ['normal', 'large'])
        it(`softmax/${each}`, () => check(`softmax/${each}`, ['x'], ({ x }) => softmax(x)))
      for (const each of [
        'maxpool/2x2',
        'maxpool/2x2_odd',
        'maxpool/2x2_odd_same',
        'maxpool/3x3_stride2_same',
        'maxpool/2x2_ties',
        'avgpool/2x2',
        'avgpool/2x2_odd',
        'avgpool/3x3_stride2_same',
      ])
        it(each, () => {
          const { pool, stride, padding } = attributesOf(each)
          const build = each.startsWith('max') ? maxPool : avgPool
          const options = { poolSize: pool as number, strides: stride as number, padding: padding as 'same' }
          return check(each, ['x'], ({ x }) => build(x, options))
        })
      for (const each of ['normal', 'large', 'odd_classes'])
        it(`xent/${each}`, async () => {
          const logits = input(`xent/${each}`, 'logits')
          const loss = softmaxCrossEntropy(logits, input(`xent/${each}`, 'labels'))
          const mean_loss = mean(loss)
          const [dlogits] = gradients(mean_loss, [logits])
          const inputs = {
            logits: take(`xent/${each}/logits`).values,
            labels: take(`xent/${each}/labels`).values,
          }
          const results = await compute(device, { outputs: { loss, mean_loss, dlogits } }, inputs)
          for (const [output, values] of Object.entries(results))
            expect(relativeError(values, take(`xent/${each}/${output}`).values), output).toBeLessThanOrEqual(tolerance)
        })

      for (const each of ['default', 'lr01'])
        it(`adam/${each}, five steps on residents`, async () => {
          const { lr, beta1, beta2, epsilon } = attributesOf(`adam/${each}`) as Record<string, number>
          const [p, m, v] = ['p', 'm', 'v'].map((block) => new Resident(block, 0, [16]))
          const constants = { beta1, beta2, epsilon }
          const update = adamUpdate(p, m, v, new Input('gradient', [16]), new Input('stepSize', [1]), constants)
          const blocks = { p: device.allocate('f32', 16), m: device.allocate('f32', 16), v: device.allocate('f32', 16) }
          device.write(blocks.p, take(`adam/${each}/p0`).values)
          const program = await device.lower(makePlan({ outputs: {}, updates: [update] }, device.fusions), blocks)
          for (let step = 0; step < 5; step++) {
            const stepSize = (lr * Math.sqrt(1 - beta2 ** (step + 1))) / (1 - beta1 ** (step + 1))
            const gradient = take(`adam/${each}/grads`).values.slice(step * 16, step * 16 + 16)
            await device.run(program, { gradient, stepSize: Float32Array.of(stepSize) })
            for (const [block, memory] of Object.entries(blocks)) {
              const actual = await device.read({ memory, operand: { shape: [16], dtype: 'f32', offset: 0 } })
              const expected = take(`adam/${each}/${block}`).values.slice(step * 16, step * 16 + 16)
              expect(relativeError(actual, expected), `${block} after step ${step + 1}`).toBeLessThanOrEqual(tolerance)
            }
          }
          program.dispose()
          for (const memory of Object.values(blocks)) memory.dispose()
        })
    })

    describe('updates', () => {
      /** The same updates here and on the reference device, `steps` times; then every block compared. */
      const train = async (
        graph: Graph,
        blocks: Readonly<Record<string, Float32Array>>,
        inputsAt: (step: number) => Readonly<Record<string, HostArray>>,
        steps = 3,
      ) => {
        const after = []
        for (const each of [device, reference]) {
          const memories = Object.fromEntries(
            Object.entries(blocks).map(([block, values]) => [block, each.allocate('f32', values.length)]),
          )
          for (const [block, values] of Object.entries(blocks)) each.write(memories[block], values)
          const program = await each.lower(makePlan(graph, each.fusions), memories)
          for (let step = 0; step < steps; step++) await each.run(program, inputsAt(step))
          const read = Object.entries(memories).map(async ([block, memory]) => [
            block,
            await each.read({ memory, operand: { shape: [blocks[block].length], dtype: 'f32', offset: 0 } }),
          ])
          after.push(Object.fromEntries(await Promise.all(read)) as Record<string, HostArray>)
          program.dispose()
          for (const memory of Object.values(memories)) memory.dispose()
        }
        return { actual: after[0], expected: after[1] }
      }

      it('adam on several parameters in one flat block, from a fused step', async () => {
        const shapes = [[6, 5], [5], [5, 3], [3]]
        const offsets: number[] = []
        let bytes = 0
        for (const shape of shapes) {
          offsets.push(bytes)
          bytes += align(4 * sizeOf(shape))
        }
        const at = (block: string) => shapes.map((shape, i) => new Resident(block, offsets[i], shape))
        const [parameters, firsts, seconds] = [at('p'), at('m'), at('v')]
        const [w1, b1, w2, b2] = parameters
        const x = new Input('x', [4, 6])
        const labels = new Input('labels', [4], 'i32')
        const loss = mean(softmaxCrossEntropy(dense(relu(dense(x, w1, b1)), w2, b2), labels))
        const slopes = gradients(loss, parameters)
        const stepSize = new Input('stepSize', [1])
        const constants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-3 }
        const updates = parameters.map((p, i) => adamUpdate(p, firsts[i], seconds[i], slopes[i], stepSize, constants))
        const { actual, expected } = await train(
          { outputs: { loss }, updates },
          { p: numbers([bytes / 4]), m: new Float32Array(bytes / 4), v: new Float32Array(bytes / 4) },
          (step) => ({
            x: numbers([4, 6], step + 5),
            labels: Int32Array.of(0, 2, 1, 1),
            stepSize: Float32Array.of(0.01),
          }),
        )
        for (const block of ['p', 'm', 'v'])
          for (const [i, shape] of shapes.entries()) {
            const part = (values: HostArray) => values.slice(offsets[i] / 4, offsets[i] / 4 + sizeOf(shape))
            expect(
              relativeError(part(actual[block]), part(expected[block])),
              `${block} of [${shape}]`,
            ).toBeLessThanOrEqual(tolerance)
          }
      })

      it('sgd with momentum', async () => {
        const p = new Resident('p', 0, [70])
        const velocity = new Resident('velocity', 0, [70])
        const update = sgdUpdate(p, velocity, mul(p, new Input('slope', [70])), new Input('stepSize', [1]), 0.9)
        const { actual, expected } = await train(
          { outputs: {}, updates: [update] },
          { p: numbers([70]), velocity: new Float32Array(70) },
          (step) => ({ slope: numbers([70], step + 2), stepSize: Float32Array.of(0.1) }),
        )
        for (const block of ['p', 'velocity'])
          expect(relativeError(actual[block], expected[block]), block).toBeLessThanOrEqual(tolerance)
      })

      it('sgd with Nesterov momentum, of two parameters side by side', async () => {
        const [a, b] = [new Resident('p', 0, [70]), new Resident('p', 512, [3])]
        const [slope, stepSize] = [new Input('slope', [70]), new Input('stepSize', [1])]
        const updates = [
          nesterovUpdate(a, new Resident('velocity', 0, [70]), mul(a, slope), stepSize, 0.9),
          nesterovUpdate(b, new Resident('velocity', 512, [3]), mul(b, sum(slope)), stepSize, 0.9),
        ]
        const { actual, expected } = await train(
          { outputs: {}, updates },
          { p: numbers([192]), velocity: new Float32Array(192) },
          (step) => ({ slope: numbers([70], step + 2), stepSize: Float32Array.of(0.1) }),
        )
        for (const block of ['p', 'velocity'])
          for (const [first, size] of [
            [0, 70],
            [128, 3],
          ]) {
            const part = (values: HostArray) => values.slice(first, first + size)
            expect(relativeError(part(actual[block]), part(expected[block])), block).toBeLessThanOrEqual(tolerance)
          }
      })

      it('adamW, and adam for what does not decay, each joined where it lies side by side', async () => {
        const sizes = [70, 5, 3, 9]
        const offsets = [0, 512, 768, 1024]
        const at = (block: string) => sizes.map((size, i) => new Resident(block, offsets[i], [size]))
        const [parameters, firsts, seconds] = [at('p'), at('m'), at('v')]
        const [slope, stepSize, decay] = ['slope', 'stepSize', 'decay'].map((name) => new Input(name, [1]))
        const constants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-3 }
        const updates = parameters.map((p, i) => {
          const gradient = mul(mul(p, p), slope)
          return i === 3
            ? adamUpdate(p, firsts[i], seconds[i], gradient, stepSize, constants)
            : adamWUpdate(p, firsts[i], seconds[i], gradient, stepSize, decay, constants)
        })
        const { actual, expected } = await train(
          { outputs: {}, updates },
          { p: numbers([320]), m: new Float32Array(320), v: new Float32Array(320) },
          (step) => ({
            slope: Float32Array.of(step + 1),
            stepSize: Float32Array.of(0.01),
            decay: Float32Array.of(0.1),
          }),
        )
        for (const block of ['p', 'm', 'v'])
          for (const [i, size] of sizes.entries()) {
            const part = (values: HostArray) => values.slice(offsets[i] / 4, offsets[i] / 4 + size)
            expect(relativeError(part(actual[block]), part(expected[block])), `${block} ${i}`).toBeLessThanOrEqual(
              tolerance,
            )
          }
        const steps = makePlan({ outputs: {}, updates }, device.fusions).steps
        const count = (name: string) => steps.filter(({ kernel }) => kernel === name).length
        expect([count('adamW'), count('adam')]).toEqual(device.fusions.has('flatUpdates') ? [1, 1] : [3, 1])
      })

      it('sgd whose gradient is the parameter itself', async () => {
        const p = new Resident('p', 0, [9])
        const update = sgdUpdate(p, new Resident('velocity', 0, [9]), p, new Input('stepSize', [1]), 0)
        const { actual, expected } = await train(
          { outputs: {}, updates: [update] },
          { p: numbers([9]), velocity: new Float32Array(9) },
          () => ({ stepSize: Float32Array.of(0.25) }),
        )
        expect(relativeError(actual.p, expected.p)).toBeLessThanOrEqual(tolerance)
      })

      it('assign: three states that lie side by side, each from all of them as they were', async () => {
        const sizes = [70, 3, 9]
        const offsets = [0, 512, 768]
        const [a, b, c] = sizes.map((size, i) => new Resident('p', offsets[i], [size]))
        const x = new Input('x', [70])
        const updates = [
          assignUpdate(a, add(mul(a, 0.75), mul(x, sum(b)))),
          // A copy of a state, which is changed by then.
          assignUpdate(b, reshape(new Resident('q', 0, [3, 1]), [3])),
          assignUpdate(c, mul(c, mean(a))),
          assignUpdate(new Resident('q', 0, [3, 1]), mul(reshape(b, [3, 1]), 2)),
        ]
        const { actual, expected } = await train(
          { outputs: {}, updates },
          { p: numbers([256]), q: numbers([3], 2) },
          (step) => ({ x: numbers([70], step + 5) }),
        )
        for (const [i, size] of sizes.entries()) {
          const part = (values: HostArray) => values.slice(offsets[i] / 4, offsets[i] / 4 + size)
          expect(relativeError(part(actual.p), part(expected.p)), `state ${i}`).toBeLessThanOrEqual(tolerance)
        }
        expect(relativeError(actual.q, expected.q)).toBeLessThanOrEqual(tolerance)
        const steps = makePlan({ outputs: {}, updates }, device.fusions).steps
        const assignments = device.fusions.has('flatUpdates') ? 2 : 4
        expect(steps.filter(({ kernel }) => kernel === 'assign')).toHaveLength(assignments)
      })

      it('record into a ring, more values than a kernel binds', async () => {
        const position = new Input('position', [1], 'i32')
        const values = Array.from({ length: 9 }, (_, i) => mul(new Input(`value${i}`, [1]), i + 1))
        const update = recordUpdate(new Resident('ring', 0, [3, 9]), position, values)
        const { actual, expected } = await train(
          { outputs: {}, updates: [update] },
          { ring: new Float32Array(27) },
          (step) => ({
            position: Int32Array.of(step + 2),
            ...Object.fromEntries(values.map((_, i) => [`value${i}`, Float32Array.of(step + i / 10)])),
          }),
          2,
        )
        expect(relativeError(actual.ring, expected.ring)).toBeLessThanOrEqual(tolerance)
      })

      it('record means: of many losses, of hits, and a number that is none', async () => {
        const [logits, labels] = [new Input('logits', [150, 4]), new Input('labels', [150], 'i32')]
        const loss = mean(softmaxCrossEntropy(logits, labels))
        const values = [loss, mean(equal(argMax(logits), labels)), mul(loss, 3)]
        const update = recordUpdate(new Resident('ring', 0, [3, 3]), new Input('position', [1], 'i32'), values)
        const { actual, expected } = await train(
          // Without a slope there is no kernel that makes the loss and the hits.
          { outputs: { slope: gradients(loss, [logits])[0] }, updates: [update] },
          { ring: new Float32Array(9) },
          (step) => ({
            position: Int32Array.of(step),
            logits: numbers([150, 4], step + 2),
            labels: Int32Array.from({ length: 150 }, (_, i) => (i * 7) % 4),
          }),
          2,
        )
        expect(relativeError(actual.ring, expected.ring)).toBeLessThanOrEqual(tolerance)
      })

      it('come after everything else has read the old values', async () => {
        const p = new Resident('p', 0, [4])
        const update = sgdUpdate(
          p,
          new Resident('velocity', 0, [4]),
          new Input('g', [4]),
          new Input('stepSize', [1]),
          0,
        )
        const blocks = { p: device.allocate('f32', 4), velocity: device.allocate('f32', 4) }
        device.write(blocks.p, Float32Array.of(1, 2, 3, 4))
        const graph = { outputs: { before: p, doubled: mul(p, 2) }, updates: [update] }
        const inputs = { g: Float32Array.of(1, 1, 1, 1), stepSize: Float32Array.of(1) }
        const results = await compute(device, graph, inputs, blocks)
        expect([...results.before, ...results.doubled]).toEqual([1, 2, 3, 4, 2, 4, 6, 8])
        const after = await device.read({ memory: blocks.p, operand: { shape: [4], dtype: 'f32', offset: 0 } })
        expect([...after]).toEqual([0, 1, 2, 3])
        for (const memory of Object.values(blocks)) memory.dispose()
      })
    })

    describe('networks', () => {
      it('that are residual, normalise by batches and see images by chance are trained as in float64', async () => {
        const trained = async (on: Device) => {
          const image = graphInput({ shape: [6, 6, 2] })
          const convolve = () => convolution({ filters: 4, kernelSize: 3, padding: 'same', useBias: false })
          const seen = image.through(randomFlip(), randomTranslation({ heightFactor: 0.2, widthFactor: 0.2 }))
          const stem = seen.through(convolve(), batchNormalization({ momentum: 0.7 }), activation('relu'))
          const block = sumOf([stem.through(convolve(), batchNormalization({ momentum: 0.7 })), stem])
          const joined = concatenate([block.through(activation('relu'), spatialDropout2d({ rate: 0.25 })), stem])
          const outputs = joined.through(flattened(), denseLayer({ units: 3, activation: 'softmax' }))
          const network = model({ inputs: image, outputs, seed: 2 })
          await network.compile({ device: on, optimizer: sgd({ learningRate: 0.02, momentum: 0.9 }) })
          const data = numbers([10, 6, 6, 2], 3).map((value) => value + 0.5)
          const samples = { data, shape: [10, 6, 6, 2] }
          await network.fit(samples, [0, 1, 2, 0, 1, 2, 0, 1, 2, 0], { batchSize: 4, epochs: 2 })
          const { data: predicted } = await network.predict(samples)
          network.dispose()
          return [
            ...network.weights.map((weight) => [weight.name, weight.data] as const),
            ['predicted', predicted] as const,
          ]
        }
        const [actual, expected] = [await trained(device), await trained(new ReferenceDevice())]
        for (const [i, [what, values]] of expected.entries())
          expect(relativeError(actual[i][1], values), what).toBeLessThanOrEqual(10 * tolerance)
      })
    })

    describe('memory', () => {
      it('gathers entries out of stored bytes', async () => {
        const images = Uint8Array.from({ length: 5 * 3 * 3 }, (_, i) => (i * 37) % 256)
        const memory = device.allocate('u8', images.length)
        device.write(memory, images)
        const data = new Resident('images', 0, [5, 3, 3], 'u8')
        const y = gather(data, new Input('at', [3], 'i32'), { scale: 1 / 255 })
        const results = await compute(device, { outputs: { y } }, { at: Int32Array.of(4, 0, 3) }, { images: memory })
        const expected = [4, 0, 3].flatMap((entry) => [...images.slice(entry * 9, entry * 9 + 9)].map((b) => b / 255))
        expect(relativeError(results.y, expected)).toBeLessThanOrEqual(1e-6)
        const back = await device.read({ memory, operand: { shape: [45], dtype: 'u8', offset: 0 } })
        expect(back).toEqual(device.info.kind === 'reference' ? Float64Array.from(images) : images)
        memory.dispose()
      })

      it('is zero when allocated, and keeps what is written at an offset', async () => {
        const memory = device.allocate('i32', 6)
        device.write(memory, Int32Array.of(7, -8), 8)
        const all = await device.read({ memory, operand: { shape: [6], dtype: 'i32', offset: 0 } })
        expect([...all]).toEqual([0, 0, 7, -8, 0, 0])
        const part = await device.read({ memory, operand: { shape: [2], dtype: 'i32', offset: 8 } })
        expect([...part]).toEqual([7, -8])
        memory.dispose()
      })

      it('is written and read in the order of the calls', async () => {
        const memory = device.allocate('f32', 1)
        const y = mul(new Resident('x', 0, [1]), new Input('factor', [1]))
        const program = await device.lower(makePlan({ outputs: { y } }, device.fusions), { x: memory })
        const results: Promise<HostArray>[] = []
        for (let i = 1; i <= 8; i++) {
          device.write(memory, Float32Array.of(i))
          await device.run(program, { factor: Float32Array.of(10) })
          results.push(device.read(program.outputs.y))
        }
        expect((await Promise.all(results)).map(([value]) => value)).toEqual([10, 20, 30, 40, 50, 60, 70, 80])
        program.dispose()
        memory.dispose()
      })
    })

    describe('errors', () => {
      it('name the input that is missing, of the wrong length or of the wrong type', async () => {
        const program = await device.lower(makePlan({ outputs: { y: relu(new Input('x', [3])) } }, device.fusions), {})
        await expect(device.run(program, {})).rejects.toThrow(/"x" is missing/)
        await expect(device.run(program, { x: new Float32Array(2) })).rejects.toThrow(/"x" has 2 elements; expected 3/)
        await expect(device.run(program, { x: new Int32Array(3) })).rejects.toThrow(/"x" is a Int32Array/)
        program.dispose()
      })

      it('name the block that was not given', async () => {
        const plan = makePlan({ outputs: { y: relu(new Resident('weights', 0, [3])) } }, device.fusions)
        const program = device.lower(plan, {}).then((lowered) => device.run(lowered, {}))
        await expect(program).rejects.toThrow(/"weights"/)
        await expect(program).rejects.toBeInstanceOf(DeviceError)
      })

      it('refuse a kernel that does not exist, by its name', async () => {
        const plan = makePlan({ outputs: { y: relu(new Input('x', [3])) } }, device.fusions)
        const unknown = { ...plan, steps: plan.steps.map((step) => ({ ...step, kernel: 'teleport' })) }
        const run = device.lower(unknown, {}).then((lowered) => device.run(lowered, { x: new Float32Array(3) }))
        await expect(run).rejects.toThrow(/teleport/)
      })

      it('refuse what belongs to another device', async () => {
        const other = await open()
        const memory = other.allocate('f32', 4)
        const program = await other.lower(makePlan({ outputs: { y: relu(new Input('x', [3])) } }, other.fusions), {})
        expect(() => device.write(memory, new Float32Array(4))).toThrow(DeviceError)
        await expect(device.run(program, { x: new Float32Array(3) })).rejects.toThrow(DeviceError)
        other.dispose()
        await expect(other.run(program, { x: new Float32Array(3) })).rejects.toThrow(DeviceError)
      })
    })

    it('keeps two programs and two devices apart', async () => {
      const other = await open()
      const graph = { outputs: { y: add(new Input('x', [4]), new Constant([1, 2, 3, 4], [4])) } }
      const programs = await Promise.all(
        [device, device, other].map((each) => each.lower(makePlan(graph, each.fusions), {})),
      )
      await device.run(programs[0], { x: Float32Array.of(10, 10, 10, 10) })
      await device.run(programs[1], { x: Float32Array.of(20, 20, 20, 20) })
      await other.run(programs[2], { x: Float32Array.of(30, 30, 30, 30) })
      expect([...(await device.read(programs[0].outputs.y))]).toEqual([11, 12, 13, 14])
      expect([...(await device.read(programs[1].outputs.y))]).toEqual([21, 22, 23, 24])
      expect([...(await other.read(programs[2].outputs.y))]).toEqual([31, 32, 33, 34])
      for (const program of programs) program.dispose()
      other.dispose()
    })

    it('runs many times in one go, each with its own inputs', async () => {
      const [a, b] = [new Input('a', [3]), new Input('b', [2], 'i32')]
      const outputs = { sum: add(a, 1), double: mul(add(a, a), 1), same: equal(b, b) }
      const program = await device.lower(makePlan({ outputs }, device.fusions), {})
      expect(device.runsAtOnce(program, true)).toBeGreaterThanOrEqual(1)
      const given = new Float32Array(3)
      for (const count of [3, 1, 5]) {
        const results = await device.runAll(program, count, (run) => {
          given.set([run, 10 * run, -run])
          return { a: given, b: Int32Array.of(run, 1) }
        })
        expect(results.map((result) => [...result.sum])).toEqual(
          Array.from({ length: count }, (_, run) => [run + 1, 10 * run + 1, 1 - run]),
        )
        expect([...results[count - 1].double]).toEqual([2, 20, -2].map((v) => v * (count - 1)))
        expect([...results[0].same]).toEqual([1, 1])
      }
      await device.run(program, { a: Float32Array.of(5, 6, 7), b: Int32Array.of(0, 0) })
      expect([...(await device.read(program.outputs.sum))]).toEqual([6, 7, 8])
      program.dispose()
    })

    it('gives the same bits every time', async () => {
      const x = new Input('x', [3, 9, 9, 5])
      const kernel = new Input('kernel', [3, 3, 5, 6])
      const loss = mean(relu(conv2d(x, kernel, { padding: 'same' })))
      const [dx, dkernel] = gradients(loss, [x, kernel])
      const program = await device.lower(makePlan({ outputs: { loss, dx, dkernel } }, device.fusions), {})
      const runOnce = async () => {
        await device.run(program, { x: numbers(x.shape), kernel: numbers(kernel.shape, 2) })
        return Promise.all(Object.values(program.outputs).map((place) => device.read(place)))
      }
      const [first, second] = [await runOnce(), await runOnce()]
      expect(second).toEqual(first)
      program.dispose()
    })
  })
}
