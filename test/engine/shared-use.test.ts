import { describe, expect, it } from 'vitest'
import { compute } from '../../src/engine/compute.ts'
import { CpuDevice } from '../../src/engine/cpu/device.ts'
import type { Device } from '../../src/engine/device.ts'
import { ArgumentError, DeviceError, LimelightError, ShapeError } from '../../src/engine/errors.ts'
import { type Sequential, sequential } from '../../src/engine/facade/sequential.ts'
import { conv2d, dense, flatten } from '../../src/engine/model/layers/public.ts'
import { maximum, neg, relu } from '../../src/engine/ops/elementwise.ts'
import { argMax, max, mean } from '../../src/engine/ops/reduce.ts'
import { sum } from '../../src/engine/ops/sum-and-broadcast.ts'
import { makePlan } from '../../src/engine/plan/plan.ts'
import { ReferenceDevice } from '../../src/engine/reference/device.ts'
import { Input, Resident } from '../../src/engine/tensor.ts'
import { adam } from '../../src/engine/training/optimizers.ts'
import { numbers } from './device-suite.ts'

const devices = [
  ['cpu', () => new CpuDevice()],
  ['reference', () => new ReferenceDevice()],
] as const

async function smallModel(device: Device, seed = 1): Promise<Sequential> {
  const model = sequential({ inputShape: [6, 6, 1], seed }, [
    conv2d({ filters: 4, kernelSize: 3, activation: 'relu' }),
    flatten(),
    dense({ units: 3, activation: 'softmax' }),
  ])
  await model.compile({ device, optimizer: adam() })
  return model
}

const samples = (count: number, seed: number) => ({ data: numbers([count, 36], seed), shape: [count, 6, 6, 1] })
const labels = (count: number) => Int32Array.from({ length: count }, (_, i) => i % 3)

describe.each(devices)('on %s', (_name, open) => {
  it('calls at the same time get their own results', async () => {
    const model = await smallModel(open())
    const sets = [samples(5, 1), samples(5, 2), samples(300, 3)]
    const alone = []
    for (const set of sets) alone.push((await model.predict(set)).data)
    const together = await Promise.all(sets.map((set) => model.predict(set)))
    expect(together.map(({ data }) => data)).toEqual(alone)
  })

  it('a model can be used while it is trained, but not trained twice', async () => {
    const model = await smallModel(open())
    const training = model.fit(samples(30, 1), labels(30), { batchSize: 5, epochs: 2 })
    await expect(model.fit(samples(30, 1), labels(30))).rejects.toThrow(/trained already/)
    const { data } = await model.predict(samples(2, 1))
    expect(data[0] + data[1] + data[2]).toBeCloseTo(1, 5)
    expect((await training).epochs).toHaveLength(2)
    expect((await model.fit(samples(30, 1), labels(30))).epochs).toHaveLength(1)
  })

  it('a model that is disposed of while it is trained stops, and harms no other', async () => {
    const device = open()
    const first = await smallModel(device)
    let other: Sequential | null = null
    const training = first.fit(samples(30, 1), labels(30), {
      batchSize: 5,
      epochs: 3,
      onBatchEnd: async () => {
        if (other) return
        first.dispose()
        other = sequential({ inputShape: [6, 6, 1], seed: 2 }, first.descriptions)
      },
    })
    await expect(training).rejects.toThrow(LimelightError)
    const second = await smallModel(device, 2)
    const expected = await (await smallModel(open(), 2)).predict(samples(3, 1))
    expect((await second.predict(samples(3, 1))).data).toEqual(expected.data)
  })

  it('an error in a callback keeps what was learnt', async () => {
    const model = await smallModel(open())
    const before = model.weights.map(({ data }) => data.slice())
    let steps = 0
    const training = model.fit(samples(30, 1), labels(30), {
      batchSize: 5,
      onBatchEnd: () => {
        if (++steps === 3) throw new Error('mine')
      },
    })
    await expect(training).rejects.toThrow('mine')
    expect(model.weights.map(({ data }) => data)).not.toEqual(before)
  })

  it('validation data that does not fit is refused before anything is trained', async () => {
    const model = await smallModel(open())
    const before = model.weights.map(({ data }) => data.slice())
    const fit = model.fit(samples(6, 1), labels(6), { validationData: [samples(3, 1), [0, 1, 3]] })
    await expect(fit).rejects.toThrow(ArgumentError)
    expect(model.weights.map(({ data }) => data)).toEqual(before)
    await expect(model.predict(samples(0, 1))).rejects.toThrow(ShapeError)
  })

  it('memory that was freed, or does not reach that far, is not touched', async () => {
    const device = open()
    const [freed, kept] = [device.allocate('f32', 4), device.allocate('f32', 4)]
    freed.dispose()
    expect(() => device.write(freed, new Float32Array(4))).toThrow(DeviceError)
    expect(() => device.write(kept, new Float32Array(5))).toThrow(DeviceError)
    expect(() => device.write(kept, new Float32Array(4), 4)).toThrow(DeviceError)
    expect(() => device.write(kept, new Float32Array(1), 2)).toThrow(DeviceError)
    expect(() => device.write(kept, new Float32Array(1), -4)).toThrow(DeviceError)
    const place = { memory: kept, operand: { shape: [5], dtype: 'f32' as const, offset: 0 } }
    await expect(device.read(place)).rejects.toThrow(DeviceError)
  })

  it('a program whose block was freed does not run', async () => {
    const device = open()
    const block = device.allocate('f32', 4)
    const plan = makePlan({ outputs: { y: neg(new Resident('block', 0, [4])) } }, device.fusions)
    const program = await device.lower(plan, { block })
    await device.run(program, {})
    block.dispose()
    await expect(device.run(program, {})).rejects.toThrow(DeviceError)
  })

  it('what is not a number stays so', async () => {
    const x = new Input('x', [2, 2])
    const outputs = { relu: relu(x), maximum: maximum(x, 0), max: max(x, { axes: 1 }), sum: sum(x, { axes: 1 }) }
    const result = await compute(open(), { outputs }, { x: Float32Array.of(Number.NaN, 1, -2, 3) })
    expect(Array.from(result.relu)).toEqual([Number.NaN, 1, 0, 3])
    expect(Array.from(result.maximum)).toEqual([Number.NaN, 1, 0, 3])
    expect(Array.from(result.max)).toEqual([Number.NaN, 3])
    expect(Array.from(result.sum)).toEqual([Number.NaN, 1])
  })
})

it('indices are refused where numbers are expected', () => {
  const index = argMax(new Input('x', [3, 4]))
  for (const operation of [sum, mean, max, neg, relu]) expect(() => operation(index)).toThrow(ShapeError)
  expect(() => makePlan({ outputs: { y: new Resident('pixels', 0, [4], 'u8') } }, new Set())).toThrow(ShapeError)
})
