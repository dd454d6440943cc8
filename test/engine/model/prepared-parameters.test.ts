import { describe, expect, it } from 'vitest'
import { residualNetwork } from '../../../src/app/networks/residual.ts'
import { predictBlended } from '../../../src/engine/blend/predict-blended.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import type { Device, Program } from '../../../src/engine/device.ts'
import { DeviceError } from '../../../src/engine/errors.ts'
import { type Model, model } from '../../../src/engine/facade/model.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { CompiledModel, parameterBlock } from '../../../src/engine/model/compiled.ts'
import { add, input } from '../../../src/engine/model/graph.ts'
import {
  activation,
  batchNormalization,
  conv2d,
  dense,
  flatten,
  globalAveragePooling2d,
} from '../../../src/engine/model/layers/public.ts'
import { predict } from '../../../src/engine/model/predict.ts'
import { makePlan } from '../../../src/engine/plan/plan.ts'
import { PreparedValues } from '../../../src/engine/plan/prepare.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { sgd } from '../../../src/engine/training/optimizers.ts'
import { numbers } from '../device-suite.ts'

const devices = [
  ['cpu', () => new CpuDevice({ threads: 1 })],
  ['cpu, two threads', () => new CpuDevice({ threads: 2 })],
  ['reference', () => new ReferenceDevice()],
] as const

const count = 3
const samples = (of = count, seed = 1) => ({ data: numbers([of, 6, 6, 2], seed), shape: [of, 6, 6, 2] })
const labels = (of: number) => Int32Array.from({ length: of }, (_, i) => i % 3)

/** A block with batch norms, whose statistics are like those of a training. */
function network(): Model {
  const image = input({ shape: [6, 6, 2] })
  const convolve = { filters: 4, kernelSize: 3, padding: 'same', useBias: false } as const
  const first = image.through(conv2d(convolve), batchNormalization({ momentum: 0.5 }), activation('relu'))
  const second = first.through(conv2d(convolve), batchNormalization({ momentum: 0.5 }))
  const outputs = add([second, first]).through(globalAveragePooling2d(), dense({ units: 3, activation: 'softmax' }))
  const made = model({ inputs: image, outputs, seed: 1 })
  made.setWeights(weights(made, 1))
  return made
}

/** Other weights for each seed. */
function weights(of: Model, seed: number) {
  return new Map(
    of.weights.map(({ name, shape, data }, i) => {
      const drawn = numbers([data.length], seed + i)
      return [name, { shape, data: name.endsWith('variance') ? drawn.map((value) => value * value + 0.1) : drawn }]
    }),
  )
}

/** A device that counts its runs of each program. */
function counting(device: Device): { device: Device; runs: Map<Program, number> } {
  const runs = new Map<Program, number>()
  const count = (program: Program) => void runs.set(program, (runs.get(program) ?? 0) + 1)
  const [run, runAll] = [device.run.bind(device), device.runAll.bind(device)]
  device.run = (program, inputs) => {
    count(program)
    return run(program, inputs)
  }
  // Where it calls run(), that counts.
  device.runAll = (program, times, inputsOf) => runAll(program, times, inputsOf)
  return { device, runs }
}

const isPreparation = ({ plan }: Program) =>
  plan.steps.some(({ outputs }) => outputs.some(({ space }) => /^prepared/.test(space)))
const preparationsOf = (runs: ReadonlyMap<Program, number>) =>
  [...runs].filter(([program]) => isPreparation(program)).map(([, times]) => times)

/** What a model of these weights predicts that has just been compiled. */
async function fresh(open: () => Device, of: Model, asked = samples()): Promise<Float32Array> {
  const device = open()
  const compiled = new CompiledModel(of.network, device)
  const { data } = await predict(compiled, asked, {})
  compiled.dispose()
  device.dispose()
  return data
}

describe.each(devices)('what hangs on parameters alone, on %s', (_name, open) => {
  it('is computed once, whatever is asked and in batches of whatever size, and again when weights were set', async () => {
    const { device, runs } = counting(open())
    const used = network()
    await used.compile({ device })
    await used.predict(samples())
    await used.predict(samples(1))
    await used.evaluate(samples(), labels(count))
    expect(preparationsOf(runs)).toEqual([1])
    used.setWeights(weights(used, 20))
    const { data } = await used.predict(samples())
    expect(preparationsOf(runs)).toEqual([2])
    expect(data).toEqual(await fresh(open, used))
    await used.predict(samples())
    expect(preparationsOf(runs)).toEqual([2])
    used.dispose()
  })

  it('is that of the newest weights while they are trained, and after it', async () => {
    const { device, runs } = counting(open())
    const used = network()
    await used.compile({ device, optimizer: sgd({ learningRate: 0.1 }) })
    const asked: Promise<Float32Array>[] = []
    const expected: Float32Array[] = []
    await used.predict(samples())
    await used.fit(samples(9, 5), labels(9), {
      batchSize: 3,
      epochs: 2,
      validationData: [samples(), labels(count)],
      onEpochEnd: async () => {
        asked.push(used.predict(samples()).then(({ data }) => data))
        expected.push(await fresh(open, used))
      },
    })
    // In float64 the device's weights have more digits than the host's.
    for (const [i, data] of (await Promise.all(asked)).entries())
      for (const [j, value] of data.entries()) expect(value).toBeCloseTo(expected[i][j], 6)
    expect(expected[1]).not.toEqual(expected[0])
    // Before; for each epoch's validation, after which a prediction has nothing to compute.
    expect(preparationsOf(runs)).toEqual([3])
    used.dispose()
  })

  it('fits the weights that a run reads, whenever they are set', async () => {
    const used = network()
    const device = open()
    await used.compile({ device })
    // One run: of several, each may see other weights.
    const one = samples(1)
    const possible = new Map<string, number>()
    for (const seed of [1, 20]) {
      used.setWeights(weights(used, seed))
      possible.set(String(await fresh(open, used, one)), seed)
    }
    const seen = new Set<number | undefined>()
    for (let ticks = 0; ticks < 24; ticks++) {
      used.setWeights(weights(used, 1))
      const asked = used.predict(one)
      for (let tick = 0; tick < ticks; tick++) await null
      used.setWeights(weights(used, 20))
      seen.add(possible.get(String((await asked).data)))
    }
    expect([...seen].toSorted()).toEqual([1, 20])
    used.dispose()
  })

  it('is computed for perturbed images, too', async () => {
    const used = network()
    const device = open()
    const compiled = new CompiledModel(used.network, device)
    const segments = Int32Array.from({ length: 36 }, (_, i) => i % 4)
    const images = { image: samples(1).data, fudged: new Float32Array(72), segments, segmentCount: 4 }
    const request = { ...images, masks: Uint8Array.of(1, 1, 1, 1), count: 1 }
    for (const factored of [true, false]) {
      const { data } = await predictBlended(compiled, request, { factored })
      const expected = await predict(compiled, samples(1), {})
      for (const [i, value] of data.entries()) expect(value).toBeCloseTo(expected.data[i], 6)
    }
    compiled.dispose()
  })

  it('is tried again where the device refused it once', async () => {
    const device: Device = open()
    const lower = device.lower.bind(device)
    // When its program was made, and when it was asked for again.
    let refusals = 2
    device.lower = async (plan, blocks) => {
      if (plan.steps.some(({ kernel }) => kernel === 'rsqrt') && refusals-- > 0) throw new DeviceError('no memory left')
      return lower(plan, blocks)
    }
    const used = network()
    await used.compile({ device })
    await expect(used.predict(samples())).rejects.toThrow('no memory left')
    expect((await used.predict(samples())).data).toEqual(await fresh(open, used))
    used.dispose()
  })
})

it('the memory of what was prepared is given back with the model', async () => {
  const device = new CpuDevice({ threads: 1 })
  const once = async () => {
    const used = network()
    await used.compile({ device })
    await used.predict(samples())
    used.dispose()
    await new Promise((resolve) => setTimeout(resolve))
    return device.memoryBytes
  }
  const first = await once()
  for (let i = 0; i < 20; i++) expect(await once()).toBe(first)
  device.dispose()
})

describe('steps of a prediction', () => {
  it('by the residual network: 13 of 58 hang on the images', () => {
    const device = new CpuDevice({ threads: 1 })
    const graph = new CompiledModel(residualNetwork(1).network, device).predictionGraph(1)
    const plan = makePlan(graph, device.fusions, new PreparedValues(parameterBlock, 2 ** 30))
    expect(plan.steps).toHaveLength(13)
    expect(plan.preparation?.plan.steps).toHaveLength(45)
    // Nine batch norms' slopes and shifts, [16] to [64].
    expect(plan.preparation?.blocks).toEqual({ prepared: 9 * 2 * 256 })
    device.dispose()
  })

  it('by the residual network on the cpu: its weights are arranged once, too', () => {
    const device = new CpuDevice({ threads: 1 })
    const plan = new CompiledModel(residualNetwork(1).network, device).forwardPlan(1)
    expect(plan.steps).toHaveLength(13)
    const before = plan.preparation?.plan.steps ?? []
    const arranging = before.filter(({ kernel }) => ['packPanels', 'winogradPlanes'].includes(kernel))
    expect(before.length - arranging.length).toBe(45)
    // By Winograd's algorithm what has 3 x 3 windows, no strides, and more than one channel; in panels the rest, and the dense layer.
    expect(arranging.map(({ kernel, attributes }) => [kernel, attributes.filters ?? attributes.columns])).toEqual([
      ['packPanels', 16],
      ['winogradPlanes', 16],
      ['winogradPlanes', 16],
      ['packPanels', 32],
      ['packPanels', 32],
      ['winogradPlanes', 32],
      ['packPanels', 64],
      ['packPanels', 64],
      ['winogradPlanes', 64],
      ['packPanels', 10],
    ])
    device.dispose()
  })

  it('of different batches share arranged weights', () => {
    const device = new CpuDevice({ threads: 1 })
    const compiled = new CompiledModel(residualNetwork(1).network, device)
    const preparing = (batch: number) =>
      compiled.plan(compiled.predictionGraph(batch)).preparation?.plan.steps.map(({ kernel }) => kernel) ?? []
    expect(preparing(16)).toContain('packPanels')
    // What 125 images are computed by that 16 are not: Winograd's at 7 x 7. The rest is there.
    expect(preparing(125)).not.toContain('packPanels')
    expect(preparing(125)).toEqual([])
    device.dispose()
  })

  it('by a stack without norms: its weights are arranged, and nothing else is prepared', () => {
    const device = new CpuDevice({ threads: 1 })
    const stack = sequential({ inputShape: [6, 6, 2] }, [
      conv2d({ filters: 4, kernelSize: 3, activation: 'relu' }),
      flatten(),
      dense({ units: 3, activation: 'softmax' }),
    ])
    const { preparation } = new CompiledModel(stack.network, device).forwardPlan(1)
    expect(preparation?.plan.steps.map(({ kernel }) => kernel)).toEqual(['packPanels', 'packPanels'])
    const plain = new ReferenceDevice()
    expect(new CompiledModel(stack.network, plain).forwardPlan(1).preparation).toBeNull()
    device.dispose()
  })
})
