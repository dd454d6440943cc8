import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import type { Device, HostArray } from '../../../src/engine/device.ts'
import { DeviceError, DeviceLostError } from '../../../src/engine/errors.ts'
import { model as graphModel } from '../../../src/engine/facade/model.ts'
import { type Sequential, sequential } from '../../../src/engine/facade/sequential.ts'
import { gradients } from '../../../src/engine/gradients.ts'
import { add as addLayers, input as graphInput } from '../../../src/engine/model/graph.ts'
import {
  activation,
  batchNormalization,
  conv2d as conv2dLayer,
  dense as denseLayer,
  depthwiseConv2d as depthwiseConv2dLayer,
  flatten as flattenLayer,
  globalAveragePooling2d,
} from '../../../src/engine/model/layers/public.ts'
import { blendBySegments } from '../../../src/engine/ops/blend-by-segments.ts'
import { conv2d } from '../../../src/engine/ops/conv2d.ts'
import { depthwiseConv2d } from '../../../src/engine/ops/depthwise-conv2d.ts'
import { add, mul, relu, square, sub } from '../../../src/engine/ops/elementwise.ts'
import { gather } from '../../../src/engine/ops/gather.ts'
import { dense, matmul } from '../../../src/engine/ops/matmul.ts'
import { l2, max, mean, min, product } from '../../../src/engine/ops/reduce.ts'
import { flatten } from '../../../src/engine/ops/reshape.ts'
import { softmaxCrossEntropy } from '../../../src/engine/ops/softmax-cross-entropy.ts'
import { sum } from '../../../src/engine/ops/sum-and-broadcast.ts'
import { makePlan } from '../../../src/engine/plan/plan.ts'
import type { Graph } from '../../../src/engine/plan/trace.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { align, Constant, Input, Resident, sizeOf, type Tensor } from '../../../src/engine/tensor.ts'
import type { FitOptions, History } from '../../../src/engine/training/fit-options.ts'
import { adam } from '../../../src/engine/training/optimizers.ts'
import { adamUpdate } from '../../../src/engine/updates/adam.ts'
import { recordUpdate } from '../../../src/engine/updates/record.ts'
import type { Counters } from '../../../src/engine/webgpu/counters.ts'
import { openWebGPUDevice, type WebGPUDevice } from '../../../src/engine/webgpu/device.ts'
import { candidatesOf, stepName } from '../../../src/engine/webgpu/lowering.ts'
import { numbers } from '../device-suite.ts'
import { relativeError } from '../operation-cases.ts'

/** A graph whose kernels lie in one block, "kernel", and what it is given. */
interface Chosen {
  readonly graph: Graph
  readonly inputs: readonly Input[]
  readonly kernels: readonly Resident[]
}

/** What only the WebGPU device promises: what a replay costs, that nothing leaks, and what happens when it is lost. */
export function webgpuSuite(): void {
  describe('the WebGPU device', () => {
    let device: WebGPUDevice
    beforeAll(async () => {
      device = await openWebGPUDevice()
    })
    afterAll(() => device?.dispose())

    it('says what it runs on', () => {
      expect(device.info.kind).toBe('webgpu')
      expect(device.info.adapter).not.toBe('')
      console.info(`WebGPU runs on ${device.info.adapter}`)
      expect(device.info.adapter).toMatch(new RegExp(inject('expectedAdapter'), 'i'))
      const isSoftware = /swiftshader|llvmpipe|lavapipe/i.test(device.info.adapter)
      expect(device.info.isFallbackAdapter).toBe(isSoftware)
    })

    it('opens no software adapter where none is allowed', async () => {
      if (device.info.isFallbackAdapter)
        await expect(openWebGPUDevice({ allowFallbackAdapter: false })).rejects.toThrow(/no hardware adapter/)
      else (await openWebGPUDevice({ allowFallbackAdapter: false })).dispose()
    })

    it('replays a training step as one write, one pass and one submit, and makes nothing', async () => {
      const step = await trainingStep(device)
      await step.run(0)
      const before = { ...device.counters }
      for (let i = 1; i <= 4; i++) await step.run(i)
      expect(difference(device.counters, before)).toEqual({
        dispatches: 4 * step.dispatches,
        passes: 4,
        submits: 4,
        writes: 4,
        bytesWritten: 4 * step.inputBytes,
        buffers: 0,
        bindGroups: 0,
        pipelines: 0,
        liveBuffers: 0,
      })
      expect(step.dispatches).toBe(16)
      step.dispose()
    })

    it("predicts with the tutorial's network in four dispatches, and trains it in nineteen a step", async () => {
      const model = sequential({ inputShape: [28, 28, 1], seed: 1 }, [
        ...[48, 32, 16].map((filters) => conv2dLayer({ filters, kernelSize: 3, padding: 'same', activation: 'relu' })),
        flattenLayer(),
        denseLayer({ units: 10, activation: 'softmax' }),
      ])
      await model.compile({ device, optimizer: adam(), metrics: ['accuracy'] })
      const count = 4
      const samples = { data: numbers([count, 28, 28, 1]), shape: [count, 28, 28, 1] }
      const fit = () => model.fit(samples, [1, 2, 3, 4], { batchSize: 2, epochs: 1 })
      await model.predict({ ...samples, data: samples.data.subarray(0, 784), shape: [1, 28, 28, 1] })
      const beforePrediction = { ...device.counters }
      await model.predict({ ...samples, data: samples.data.subarray(0, 784), shape: [1, 28, 28, 1] })
      expect(difference(device.counters, beforePrediction)).toMatchObject({
        dispatches: 4,
        passes: 1,
        submits: 1,
        writes: 1,
        bindGroups: 0,
        pipelines: 0,
      })
      await fit()
      const before = { ...device.counters }
      await fit()
      // Two steps of 19; the submits and buffers beside theirs are the reading of losses and weights.
      const cost = difference(device.counters, before)
      expect(cost.dispatches).toBe(2 * 19)
      expect(cost.passes).toBe(2)
      expect(cost.pipelines).toBe(0)
      model.dispose()
    })

    it('computes what hangs on parameters alone once for each state of them: five dispatches a batch norm, none in a run', async () => {
      const images = { data: numbers([1, 6, 6, 4]), shape: [1, 6, 6, 4] }
      const [model, expected] = [device, new ReferenceDevice()].map((on) => {
        const made = sequential({ inputShape: [6, 6, 4], seed: 1 }, [
          conv2dLayer({ filters: 4, kernelSize: 3, useBias: false }),
          batchNormalization(),
          activation('relu'),
          flattenLayer(),
          denseLayer({ units: 3, activation: 'softmax' }),
        ])
        return { made, compiled: made.compile({ device: on }) }
      })
      await Promise.all([model.compiled, expected.compiled])
      const predict = async () => {
        const before = { ...device.counters }
        const { data } = await model.made.predict(images)
        const { dispatches } = difference(device.counters, before)
        expect(relativeError(data, (await expected.made.predict(images)).data)).toBeLessThan(1e-5)
        return dispatches
      }
      const first = [await predict(), await predict()]
      const others = new Map(
        model.made.weights.map(({ name, shape, data }) => [name, { shape, data: data.map(() => 2) }]),
      )
      for (const { made } of [model, expected]) made.setWeights(others)
      expect([...first, await predict(), await predict()]).toEqual([3 + 5, 3, 3 + 5, 3])
      model.made.dispose()
    })

    it.each([
      ['each computed', false],
      ['what they share computed once', true],
    ])(
      'explains 20,000 samples, %s, in one submit and one read, 100,000 within the default limits',
      async (_, factored) => {
        const model = sequential({ inputShape: [6, 6, 1], seed: 1 }, [
          conv2dLayer({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
          flattenLayer(),
          denseLayer({ units: 10, activation: 'softmax' }),
        ])
        await model.compile({ device })
        const segments = Int32Array.from({ length: 36 }, (_, i) => Math.floor(i / 4))
        const explain = (count: number) => {
          const masks = Uint8Array.from({ length: 9 * count }, (_, i) => (i * 7919) % 2)
          const images = { image: numbers([36]), fudged: new Float32Array(36), segments, segmentCount: 9 }
          return model.predictBlended({ ...images, masks, count }, { factored })
        }
        await explain(20_000)
        const before = { ...device.counters }
        const { shape, flops } = await explain(20_000)
        // Of 109 million.
        expect(flops < 5e6).toBe(factored)
        expect(shape).toEqual([20_000, 10])
        // The one buffer is the one that is read.
        expect(difference(device.counters, before)).toMatchObject({
          submits: 1,
          passes: 1,
          writes: 1,
          buffers: 1,
          bindGroups: 0,
          pipelines: 0,
          liveBuffers: 0,
        })
        expect((await explain(100_000)).shape).toEqual([100_000, 10])
        model.dispose()
      },
    )

    /**
     * Runs a graph by one candidate of each step after another, as an adapter of this kind would get them: each time it gives
     * the reference device's results, and bit for bit the same again.
     */
    const checkCandidates = async (
      kind: 'software' | 'hardware',
      graph: Graph,
      inputs: Readonly<Record<string, HostArray>>,
      {
        blocks = {},
        most = Number.POSITIVE_INFINITY,
        among = /./,
        halfPrecision = false,
      }: { blocks?: Record<string, Float32Array>; most?: number; among?: RegExp; halfPrecision?: boolean } = {},
    ) => {
      const computeOn = async (on: Device) => {
        const memories = Object.entries(blocks).map(([name, values]) => {
          const memory = on.allocate('f32', values.length)
          on.write(memory, values)
          return [name, memory] as const
        })
        const program = await on.lower(makePlan(graph, on.fusions), Object.fromEntries(memories))
        const [results, again] = await on.runAll(program, 2, () => inputs)
        expect(again).toEqual(results)
        program.dispose()
        for (const [, memory] of memories) memory.dispose()
        return results
      }
      const expected = await computeOn(new ReferenceDevice())
      const traits = { ...device.traits, isSoftware: kind === 'software' }
      const able = await openWebGPUDevice({ halfPrecision })
      const steps = makePlan(graph, able.fusions).steps
      able.dispose()
      const candidates = new Map(
        steps.map((step) => {
          const all = candidatesOf(step, traits)
          const wanted = all.filter(({ name }) => among.test(name))
          return [stepName(step), wanted.length > 0 ? wanted : all.slice(0, 1)]
        }),
      )
      const turns = Math.min(most, Math.max(...[...candidates.values()].map(({ length }) => length)))
      for (let turn = 0; turn < turns; turn++) {
        const choices = Object.fromEntries(
          [...candidates]
            .filter(([, list]) => list.length > 0)
            .map(([step, list]) => [step, list[turn % list.length].name]),
        )
        const tuned = await openWebGPUDevice({
          halfPrecision,
          tuningMemory: { read: async () => choices, write: async () => {} },
        })
        Object.assign(tuned.traits, traits)
        const results = await computeOn(tuned)
        tuned.dispose()
        for (const [name, values] of Object.entries(results)) {
          const error = relativeError(values, expected[name])
          const said = `${name} by ${JSON.stringify(choices)}`
          expect(error, said).toBeLessThanOrEqual(halfPrecision ? 3e-3 : 1e-5)
          if (halfPrecision) expect(error, `${said}: half of the digits`).toBeGreaterThan(1e-5)
        }
      }
    }

    /** A convolution with everything a step can choose for: forward, both gradients. */
    const convolutionGraph = (channels: number, filters: number): Chosen => {
      const x = new Input('x', [2, 6, 7, channels])
      const kernel = new Resident('kernel', 0, [3, 3, channels, filters])
      const bias = new Input('bias', [filters])
      const y = relu(conv2d(x, kernel, { padding: 'same', bias }))
      const [dx, dkernel, dbias] = gradients(sum(square(y)), [x, kernel, bias])
      return { graph: { outputs: { y, dx, dkernel, dbias } }, inputs: [x, bias], kernels: [kernel] }
    }

    /** Two convolutions of which the first one's images need not be stored, with all or nothing of what may be fused. */
    const innerGraph = (channels: number, between: number, filters: number, isWhole: boolean): Chosen => {
      const masks = new Input('masks', [3, 1], 'i32')
      const segments = new Constant(
        Int32Array.from({ length: 42 }, (_, i) => i % 5),
        [6, 7],
        'i32',
      )
      const [image, fudged] = [1, 2].map((seed) => new Constant(numbers([6, 7, channels], seed), [6, 7, channels]))
      const plain = new Input('x', [3, 6, 7, channels])
      const x = isWhole ? blendBySegments(image, fudged, segments, masks) : plain
      const kernels = [
        new Resident('kernel', 0, [3, 3, channels, between]),
        new Resident('kernel', align(36 * channels * between), [3, 3, between, filters]),
      ]
      const biases = [new Input('first', [between]), new Input('second', [filters])]
      const layer = (images: Tensor, at: number) =>
        isWhole
          ? relu(conv2d(images, kernels[at], { padding: 'same', bias: biases[at] }))
          : conv2d(images, kernels[at], { padding: at === 0 ? 'valid' : 'same' })
      const y = layer(layer(x, 0), 1)
      return { graph: { outputs: { y } }, inputs: isWhole ? [masks, ...biases] : [plain], kernels }
    }

    /** What only GPUs get. Their other candidates differ from software adapters' in numbers only. */
    const forHardware = /workgroup memory|Winograd/

    /** Numbers around `mean`. */
    const given = ({ inputs, kernels }: Chosen, mean = 0) => {
      const around = (shape: readonly number[], seed: number) => numbers(shape, seed).map((value) => value + mean)
      return {
        inputs: Object.fromEntries(
          inputs.map(({ name, shape, dtype }, at) => [
            name,
            dtype === 'i32'
              ? Int32Array.from({ length: sizeOf(shape) }, (_, i) => 11 * (i + 1))
              : around(shape, at + 1),
          ]),
        ),
        blocks: { kernel: around([Math.max(...kernels.map(({ offset, shape }) => offset / 4 + sizeOf(shape)))], 3) },
      }
    }

    for (const [what, chosen, kind] of [
      ['8 channels, 16 filters', convolutionGraph(8, 16), 'software'],
      ['1 channel, 8 filters', convolutionGraph(1, 8), 'software'],
      ['3 channels, 5 filters', convolutionGraph(3, 5), 'software'],
      ['blended, recomputed by 1x8x32', innerGraph(1, 8, 32, true), 'software'],
      ['recomputed by 1x6x5, nothing else fused', innerGraph(1, 6, 5, false), 'software'],
      // What a GPU gets must be right here, too.
      ['8 channels, 16 filters', convolutionGraph(8, 16), 'hardware'],
      ['3 channels, 8 filters', convolutionGraph(3, 8), 'hardware'],
      ['blended, recomputed by 1x8x32', innerGraph(1, 8, 32, true), 'hardware'],
      ['recomputed by 1x9x8, nothing else fused', innerGraph(1, 9, 8, false), 'hardware'],
    ] as const)
      it(`is right whatever kernels are chosen: ${what}, ${kind}`, async () => {
        const { inputs, blocks } = given(chosen)
        // The blended ones take some five seconds each to compile, and differ from the others in what they load only.
        const most = what.startsWith('blended') ? 2 : Number.POSITIVE_INFINITY
        await checkCandidates(kind, chosen.graph, inputs, {
          blocks,
          most,
          ...(kind === 'hardware' && { among: forHardware }),
        })
      })

    for (const kind of ['software', 'hardware'] as const)
      it(`is right whatever kernels are chosen: long sums, maxima and products, ${kind}`, async () => {
        const x = new Input('x', [7, 5000])
        const short = new Input('short', [3, 100])
        // The product of so many numbers stays in float32's range only if they are close to 1.
        const near = add(mul(sub(short, 1), 0.05), 1)
        const rows = new Input('rows', [5, 700])
        const [w, b] = [new Input('w', [700, 10]), new Input('b', [10])]
        const [wide, narrow] = [new Input('wide', [5000, 16]), new Input('narrow', [700, 3])]
        const outputs = {
          total: sum(x),
          largest: max(x),
          sums: sum(x, { axes: 1 }),
          maxima: max(x, { axes: 1 }),
          minima: min(x, { axes: 1 }),
          powers: product(near, { axes: 1 }),
          lengths: l2(x, { axes: 1 }),
          short: sum(short, { axes: 1 }),
          layer: relu(dense(rows, w, b)),
          products: matmul(x, wide),
          few: matmul(rows, narrow),
        }
        const named = [x, short, rows, w, b, wide, narrow]
        // About 1: sums that cancel out have no digits to compare.
        const inputs = Object.fromEntries(
          named.map(({ name, shape }, i) => [name, numbers(shape, i + 1).map((value) => value + 1)]),
        )
        await checkCandidates(kind, { outputs }, inputs)
      })

    for (const kind of ['software', 'hardware'] as const)
      it(`is right whatever kernels are chosen: products of many rows with one matrix, ${kind}`, async () => {
        const x = new Input('x', [2, 6, 7, 8])
        const [wide, odd] = [new Input('wide', [1, 1, 8, 40]), new Input('odd', [1, 1, 8, 5])]
        const [bias, other] = [new Input('bias', [40]), new Input('other', [5])]
        const residual = new Input('residual', [2, 6, 7, 5])
        const [sequences, weights] = [new Input('sequences', [3, 31, 9]), new Input('weights', [9, 12])]
        const outputs = {
          wide: relu(conv2d(x, wide, { bias })),
          odd: relu(add(conv2d(x, odd, { bias: other }), residual)),
          sequences: matmul(sequences, weights),
        }
        const named = [x, wide, odd, bias, other, residual, sequences, weights]
        const inputs = Object.fromEntries(named.map(({ name, shape }, i) => [name, numbers(shape, i + 1)]))
        await checkCandidates(kind, { outputs }, inputs, { among: /product/ })
      })

    for (const kind of ['software', 'hardware'] as const)
      it(`is right whatever kernels are chosen: depthwise convolutions, ${kind}`, async () => {
        const [x, few] = [new Input('x', [2, 9, 10, 8]), new Input('few', [1, 7, 5, 3])]
        const [small, large] = [new Input('small', [3, 3, 8, 1]), new Input('large', [5, 5, 8, 1])]
        const [bias, uneven] = [new Input('bias', [8]), new Input('uneven', [3, 2, 3, 1])]
        const outputs = {
          same: relu(depthwiseConv2d(x, small, { padding: 'same', bias })),
          strided: depthwiseConv2d(x, small, { padding: 'same', strides: 2 }),
          large: depthwiseConv2d(x, large, { padding: 'same', strides: 2, bias }),
          uneven: depthwiseConv2d(few, uneven, {
            padding: [
              [2, 0],
              [0, 1],
            ],
            strides: [3, 1],
          }),
        }
        const named = [x, few, small, large, bias, uneven]
        const inputs = Object.fromEntries(named.map(({ name, shape }, i) => [name, numbers(shape, i + 1)]))
        // Widths differ in numbers only.
        await checkCandidates(kind, { outputs }, inputs, { most: 2 })
      })

    it('predicts with an inverted residual block in a dispatch a step, for up to eight images in one run', async () => {
      const input = graphInput({ shape: [8, 8, 8] })
      const wide = input
        .through(conv2dLayer({ filters: 24, kernelSize: 1, activation: 'relu6' }))
        .through(depthwiseConv2dLayer({ kernelSize: 3, padding: 'same', activation: 'relu6' }))
      const narrow = wide.through(conv2dLayer({ filters: 8, kernelSize: 1 }))
      const output = addLayers([input, narrow])
        .through(conv2dLayer({ filters: 16, kernelSize: 3, strides: 2, activation: 'relu' }))
        .through(globalAveragePooling2d())
        .through(denseLayer({ units: 4, activation: 'softmax' }))
      const net = graphModel({ seed: 1, inputs: input, outputs: output })
      await net.compile({ device })
      const samples = (count: number) => ({ data: numbers([count * 512], 1), shape: [count, 8, 8, 8] })
      await net.predict(samples(8))
      const { dispatches, submits } = device.counters
      await net.predict(samples(8))
      // Expanded, filtered, projected with the shortcut, strided, summed, divided, dense, softmax.
      expect(device.counters.dispatches - dispatches).toBe(8)
      // What is computed and what is read of it are one.
      expect(device.counters.submits - submits).toBe(1)
      net.dispose()
    })

    it('predicts in half precision if asked, where the adapter can, and says whether it does', async () => {
      const half = await openWebGPUDevice({ halfPrecision: true })
      const canHalve = half.gpu.features.has('shader-f16')
      expect(half.info.halfPrecision).toBe(canHalve)
      expect(device.info.halfPrecision).toBe(false)
      const { graph } = convolutionGraph(8, 16)
      expect(makePlan(graph, half.fusions)).toEqual(makePlan(graph, device.fusions))
      half.dispose()
      for (const [chosen, kind, among] of [
        [innerGraph(1, 8, 8, false), 'software', /f16/],
        [innerGraph(3, 8, 5, false), 'hardware', /(workgroup memory|4 at once).*f16/],
      ] as const) {
        // Sums that cancel out would have no digits left to compare.
        const { inputs, blocks } = given(chosen, 1)
        if (canHalve) await checkCandidates(kind, chosen.graph, inputs, { blocks, among, most: 2, halfPrecision: true })
        else await checkCandidates(kind, chosen.graph, inputs, { blocks, most: 1 })
      }
    })

    it('tunes: measures every candidate, remembers the fastest, and takes it from then on', async () => {
      const remembered: Record<string, Record<string, string>> = {}
      const tuningMemory = {
        read: async (machine: string) => remembered[machine] ?? {},
        write: async (machine: string, choices: Readonly<Record<string, string>>) => {
          remembered[machine] = { ...choices }
        },
      }
      const other = await openWebGPUDevice({ tuningMemory })
      const plan = makePlan(convolutionGraph(4, 8).graph, other.fusions)
      const { liveBuffers } = other.counters
      let [done, total] = [0, 0]
      const measurements = await other.tune([plan], {
        onProgress(now, all) {
          done = now
          total = all
        },
      })
      expect(other.counters.liveBuffers).toBe(liveBuffers)
      expect(measurements).toHaveLength(total)
      expect(done).toBe(total)
      for (const { milliseconds, refused } of measurements) {
        expect(refused).toBeUndefined()
        expect(milliseconds).toBeGreaterThan(0)
      }
      const [[machine, choices]] = Object.entries(remembered)
      expect(machine).toContain(other.info.adapter)
      for (const step of new Set(measurements.map((measurement) => measurement.step))) {
        const own = measurements.filter((measurement) => measurement.step === step)
        const best = own.reduce((a, b) => (b.milliseconds < a.milliseconds ? b : a))
        expect(choices[step]).toBe(best.candidate)
      }
      const aborted = other.tune([plan], { signal: AbortSignal.abort(new Error('enough')) })
      await expect(aborted).rejects.toThrow('enough')
      other.dispose()
    })

    it('profiles: measures every step of a training step alone, and leaves the model as it was', async () => {
      const model = sequential({ inputShape: [6, 6, 1], seed: 1 }, [
        conv2dLayer({ filters: 8, kernelSize: 3, padding: 'same', activation: 'relu' }),
        conv2dLayer({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
        flattenLayer(),
        denseLayer({ units: 3, activation: 'softmax' }),
      ])
      await model.compile({ device, optimizer: adam(), metrics: ['accuracy'] })
      const image = { data: Float32Array.from({ length: 36 }, (_, i) => i / 36), shape: [1, 6, 6, 1] }
      const before = await model.predict(image)
      const { liveBuffers } = device.counters
      const measurements = await model.profile({ batchSize: 4 })
      expect(device.counters.liveBuffers).toBe(liveBuffers)
      expect(await model.predict(image)).toEqual(before)
      const kernels = measurements.map(({ step }) => step.split(/[ +]/)[0])
      for (const kernel of ['conv2d', 'conv2dKernelGradient', 'matmul', 'softmax', 'gather', 'adam', 'record'])
        expect(kernels).toContain(kernel)
      expect(new Set(measurements.map(({ step }) => step)).size).toBe(measurements.length)
      for (const { step, milliseconds, bytes, refused } of measurements) {
        expect(refused, step).toBeUndefined()
        expect(milliseconds, step).toBeGreaterThan(0)
        expect(bytes, step).toBeGreaterThan(0)
      }
      // [4, 3] in and out.
      expect(measurements.find(({ step }) => step.startsWith('softmax '))?.bytes).toBe(96)
      model.dispose()
    })

    it('shares pipelines between programs of equal shapes', async () => {
      const lower = () => device.lower(makePlan({ outputs: { y: relu(new Input('x', [123])) } }, device.fusions), {})
      const first = await lower()
      const { pipelines } = device.counters
      const second = await lower()
      expect(device.counters.pipelines).toBe(pipelines)
      first.dispose()
      second.dispose()
    })

    it('holds no buffer after programs, memories and reads are done with', async () => {
      const { liveBuffers } = device.counters
      for (let round = 0; round < 3; round++) {
        const step = await trainingStep(device)
        for (let i = 0; i < 4; i++) await step.run(i)
        await step.readLoss()
        step.dispose()
        step.dispose()
      }
      expect(device.counters.liveBuffers).toBe(liveBuffers)
    })

    it('never has more than three runs in flight, and as many as that', async () => {
      const step = await trainingStep(device)
      const { queue } = device.gpu
      const original = queue.onSubmittedWorkDone.bind(queue)
      let [inFlight, most] = [0, 0]
      queue.onSubmittedWorkDone = () => {
        most = Math.max(most, ++inFlight)
        return original().finally(() => inFlight--)
      }
      for (let i = 0; i < 8; i++) await step.run(i)
      queue.onSubmittedWorkDone = original
      expect(most).toBe(3)
      await step.readLoss()
      step.dispose()
    })

    it('names the kernel and the line that the compiler refuses', async () => {
      const plan = makePlan({ outputs: { y: relu(new Input('x', [3])) } }, device.fusions)
      // A shape no plan has: its size is no number in WGSL either.
      const broken = { ...plan.outputs.y, shape: [0.5] }
      const lowered = device.lower({ ...plan, steps: plan.steps.map((s) => ({ ...s, outputs: [broken] })) }, {})
      await expect(lowered).rejects.toThrow(/webgpu: kernel "relu" was refused: \d+:\d+ .*[\s\S]*THREADS/)
      await expect(lowered).rejects.toBeInstanceOf(DeviceError)
      const again = await device.lower(plan, {})
      again.dispose()
    })

    it('says which operand is too large for the adapter', async () => {
      const x = new Input('x', [2 ** 20, 2 ** 12])
      await expect(device.lower(makePlan({ outputs: { y: relu(x) } }, device.fusions), {})).rejects.toThrow(
        /smaller batches/,
      )
      expect(() => device.allocate('f32', 2 ** 33)).toThrow(/at most/)
    })

    it('loses nothing when the memory for more runs at once is refused', async () => {
      const other = await openWebGPUDevice()
      const x = new Input('x', [64])
      const program = await other.lower(makePlan({ outputs: { y: mul(x, 2) } }, other.fusions), {})
      const runAll = (count: number) => other.runAll(program, count, (run) => ({ x: new Float32Array(64).fill(run) }))
      const expected = (count: number) => Array.from({ length: count }, (_, run) => new Float32Array(64).fill(2 * run))
      const results = async (count: number) => (await runAll(count)).map(({ y }) => y)
      expect(await results(2)).toEqual(expected(2))
      const { liveBuffers } = other.counters
      const giveBack = refuseBuffers(other.gpu, ({ label }) => label === 'outputs')
      const refused = runAll(5)
      await expect(refused).rejects.toThrow(/webgpu: out of memory: refused for a test/)
      await expect(refused).rejects.toBeInstanceOf(DeviceError)
      expect(other.counters.liveBuffers).toBe(liveBuffers)
      expect(await results(2)).toEqual(expected(2))
      await other.run(program, { x: new Float32Array(64).fill(7) })
      expect(await other.read(program.outputs.y)).toEqual(new Float32Array(64).fill(14))
      giveBack()
      expect(await results(5)).toEqual(expected(5))
      expect(other.counters.liveBuffers).toBe(liveBuffers)
      program.dispose()
      expect(other.counters.liveBuffers).toBe(0)
      other.dispose()
    })

    it('leaves nothing behind of a program whose memory is refused', async () => {
      const other = await openWebGPUDevice()
      const plan = makePlan({ outputs: { y: relu(new Input('x', [8])) } }, other.fusions)
      for (const refusedLabel of ['arena', 'outputs']) {
        const giveBack = refuseBuffers(other.gpu, ({ label }) => label === refusedLabel)
        await expect(other.lower(plan, {})).rejects.toThrow(/webgpu: out of memory/)
        giveBack()
        expect(other.counters.liveBuffers).toBe(0)
      }
      const program = await other.lower(plan, {})
      program.dispose()
      other.dispose()
    })

    it('refuses to write single bytes in the middle of a block', () => {
      const memory = device.allocate('u8', 11)
      device.write(memory, new Uint8Array(11))
      device.write(memory, new Uint8Array(3), 8)
      expect(() => device.write(memory, new Uint8Array(3), 4)).toThrow(/four at a time/)
      expect(() => device.write(memory, new Uint8Array(4), 8)).toThrow(/does not fit/)
      memory.dispose()
      expect(() => device.write(memory, new Uint8Array(4))).toThrow(/disposed/)
    })

    it('tells of its loss once, and every call after it', async () => {
      const other = await openWebGPUDevice()
      const step = await trainingStep(other)
      const reading = step.readLoss()
      other.gpu.destroy()
      const lost = await other.lost
      expect(lost).toBeInstanceOf(DeviceLostError)
      await reading.catch((error) => expect(error).toBeInstanceOf(DeviceError))
      await expect(step.run(0)).rejects.toBe(lost)
      await expect(step.readLoss()).rejects.toBe(lost)
      await expect(other.lower(step.program.plan, {})).rejects.toBe(lost)
      expect(() => other.allocate('f32', 1)).toThrow(lost)
      step.dispose()
      other.dispose()
    })

    const network = () =>
      sequential({ inputShape: [6, 6, 1], seed: 3 }, [
        conv2dLayer({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
        flattenLayer(),
        denseLayer({ units: 3, activation: 'softmax' }),
      ])
    const samples = { data: numbers([20, 6, 6, 1]), shape: [20, 6, 6, 1] }
    const truth = Array.from({ length: 20 }, (_, i) => i % 3)
    const trained = (model: Sequential) => model.weights.flatMap(({ data }) => Array.from(data))
    /** Trains, and loses the device in the second epoch. */
    const loseInTraining = async (model: Sequential, options: FitOptions) => {
      const other = await openWebGPUDevice()
      await model.compile({ device: other, optimizer: adam(), metrics: ['accuracy'] })
      let kept: number[] = []
      const history = model.fit(samples, truth, {
        batchSize: 5,
        epochs: 3,
        onBatchEnd: ({ epoch }) => {
          if (epoch === 2) other.gpu.destroy()
        },
        onEpochEnd: () => {
          kept = trained(model)
        },
        ...options,
      })
      return { history: await history.catch((error: unknown) => error), kept, other }
    }

    it('loses no more than an epoch of training with its device', async () => {
      const model = network()
      const { history, kept, other } = await loseInTraining(model, {})
      expect(history).toBeInstanceOf(DeviceLostError)
      expect(kept).not.toHaveLength(0)
      expect(trained(model)).toEqual(kept)
      model.dispose()
      other.dispose()
    })

    for (const [where, open] of [
      ['a new device', () => openWebGPUDevice()],
      ['the processor', async () => new CpuDevice({ threads: 1 })],
    ] as const)
      it(`goes on training on ${where} when its own is lost, as if nothing had happened`, async () => {
        const undisturbed = network()
        await undisturbed.compile({ device, optimizer: adam(), metrics: ['accuracy'] })
        await undisturbed.fit(samples, truth, { batchSize: 5, epochs: 3 })
        const model = network()
        const { history, other } = await loseInTraining(model, { onDeviceLost: open })
        expect((history as History).epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3])
        expect(relativeError(trained(model), trained(undisturbed))).toBeLessThanOrEqual(1e-3)
        expect((await model.predict(samples)).shape).toEqual([20, 3])
        for (const each of [model, undisturbed]) each.dispose()
        other.dispose()
      })

    it('does not call its own disposal a loss', async () => {
      const other = await openWebGPUDevice()
      const step = await trainingStep(other)
      await step.run(0)
      let isLost = false
      other.lost.then(() => {
        isLost = true
      })
      other.dispose()
      other.dispose()
      await other.gpu.lost
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(isLost).toBe(false)
      expect(other.counters.liveBuffers).toBe(0)
      await expect(step.run(0)).rejects.toThrow(/disposed/)
    })
  })
}

/**
 * Makes WebGPU answer as it does when memory is out: an invalid buffer, and an error in the scope around it. No adapter can
 * be relied on to run out. @returns what ends it
 */
function refuseBuffers(gpu: GPUDevice, isRefused: (descriptor: GPUBufferDescriptor) => boolean): () => void {
  const createBuffer = gpu.createBuffer.bind(gpu)
  const [pushErrorScope, popErrorScope] = [gpu.pushErrorScope.bind(gpu), gpu.popErrorScope.bind(gpu)]
  const scopes: { filter: GPUErrorFilter; isFull: boolean }[] = []
  Object.assign(gpu, {
    createBuffer(descriptor: GPUBufferDescriptor) {
      if (!isRefused(descriptor)) return createBuffer(descriptor)
      for (const scope of scopes) scope.isFull ||= scope.filter === 'out-of-memory'
      return createBuffer({ ...descriptor, size: gpu.limits.maxBufferSize + 4 })
    },
    pushErrorScope(filter: GPUErrorFilter) {
      scopes.push({ filter, isFull: false })
      pushErrorScope(filter)
    },
    async popErrorScope() {
      const isFull = scopes.pop()?.isFull
      const error = await popErrorScope()
      return isFull ? { message: 'refused for a test' } : error
    },
  })
  return () => Object.assign(gpu, { createBuffer, pushErrorScope, popErrorScope })
}

function difference(after: Counters, before: Counters): Counters {
  const names = Object.keys(after) as (keyof Counters)[]
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as unknown as Counters
}

/** The tutorial's training step on small images: data on the device, gathered; Adam; the loss recorded. */
async function trainingStep(device: WebGPUDevice) {
  const shapes = [[3, 3, 1, 8], [8], [3, 3, 8, 4], [4], [6 * 6 * 4, 10], [10]]
  const offsets: number[] = []
  let bytes = 0
  for (const shape of shapes) {
    offsets.push(bytes)
    bytes += align(4 * sizeOf(shape))
  }
  const at = (block: string) => shapes.map((shape, i) => new Resident(block, offsets[i], shape))
  const [parameters, firsts, seconds] = [at('p'), at('m'), at('v')]
  const [k1, b1, k2, b2, w, b3] = parameters
  const batch = new Input('batch', [4], 'i32')
  const x = gather(new Resident('images', 0, [7, 6, 6, 1], 'u8'), batch, { scale: 1 / 255 })
  const labels = gather(new Resident('labels', 0, [7], 'i32'), batch)
  const first = relu(conv2d(x, k1, { padding: 'same', bias: b1 }))
  const second = relu(conv2d(first, k2, { padding: 'same', bias: b2 }))
  const loss = mean(softmaxCrossEntropy(dense(flatten(second), w, b3), labels))
  const slopes = gradients(loss, parameters)
  const stepSize = new Input('stepSize', [1])
  const constants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }
  const updates = [
    ...parameters.map((p, i) => adamUpdate(p, firsts[i], seconds[i], slopes[i], stepSize, constants)),
    recordUpdate(new Resident('ring', 0, [4, 1]), new Input('position', [1], 'i32'), [mul(loss, 1)]),
  ]
  const blocks = {
    p: device.allocate('f32', bytes / 4),
    m: device.allocate('f32', bytes / 4),
    v: device.allocate('f32', bytes / 4),
    images: device.allocate('u8', 7 * 36),
    labels: device.allocate('i32', 7),
    ring: device.allocate('f32', 4),
  }
  device.write(blocks.p, numbers([bytes / 4]))
  device.write(
    blocks.images,
    Uint8Array.from({ length: 7 * 36 }, (_, i) => (i * 97) % 251),
  )
  device.write(blocks.labels, Int32Array.of(0, 1, 2, 3, 4, 5, 6))
  const plan = makePlan({ outputs: {}, updates }, device.fusions)
  const program = await device.lower(plan, blocks)
  return {
    program,
    dispatches: program.commands.length,
    inputBytes: plan.spaces.inputs,
    run: (step: number) =>
      device.run(program, {
        batch: Int32Array.of(step % 7, 3, 6, 1),
        stepSize: Float32Array.of(0.001),
        position: Int32Array.of(step),
      }),
    readLoss: () => device.read({ memory: blocks.ring, operand: { shape: [4], dtype: 'f32', offset: 0 } }),
    dispose: () => {
      program.dispose()
      for (const memory of Object.values(blocks)) memory.dispose()
    },
  }
}
