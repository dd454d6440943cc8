import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import type { Device, HostArray, Memory } from '../../../src/engine/device.ts'
import { concat } from '../../../src/engine/ops/concat.ts'
import { conv2d } from '../../../src/engine/ops/conv2d.ts'
import { add, clip, exp, mul, neg, relu, square, tanh } from '../../../src/engine/ops/elementwise.ts'
import { matmul } from '../../../src/engine/ops/matmul.ts'
import { batchNorm } from '../../../src/engine/ops/normalization.ts'
import { reshape } from '../../../src/engine/ops/reshape.ts'
import { broadcastTo, sum } from '../../../src/engine/ops/sum-and-broadcast.ts'
import { transpose } from '../../../src/engine/ops/transpose.ts'
import { makePlan, type Plan } from '../../../src/engine/plan/plan.ts'
import { PreparedValues } from '../../../src/engine/plan/prepare.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Constant, Input, Resident, type Tensor } from '../../../src/engine/tensor.ts'
import { assignUpdate } from '../../../src/engine/updates/assign.ts'
import { numbers } from '../device-suite.ts'

const block = 'parameters'
const parameterBytes = 2 ** 14
const [p, q] = [new Resident(block, 0, [64]), new Resident(block, 256, [64])]
const [kernel, square64] = [new Resident(block, 512, [3, 3, 2, 4]), new Resident(block, 1024, [8, 8])]
const x = new Input('x', [5, 64])

const newValues = () => new PreparedValues(block, 2 ** 20)
const cpu = new CpuDevice({ threads: 1 })
const planFor = (outputs: Record<string, Tensor>, values = newValues()) => makePlan({ outputs }, cpu.fusions, values)
const kernelsOf = (plan: Plan | undefined) => plan?.steps.map((step) => step.kernel) ?? []

/** Runs plans on one device, with parameters of this seed, each after its preparation. */
async function runPlans(device: Device, plans: readonly Plan[], inputs: Readonly<Record<string, HostArray>>, seed = 1) {
  const blocks: Record<string, Memory> = { [block]: device.allocate('f32', parameterBytes / 4) }
  device.write(blocks[block], numbers([parameterBytes / 4], seed))
  const results: Record<string, HostArray>[] = []
  for (const plan of plans) {
    for (const [name, bytes] of Object.entries(plan.preparation?.blocks ?? {}))
      blocks[name] = device.allocate('f32', bytes / 4)
    for (const each of [plan.preparation?.plan, plan]) {
      if (!each) continue
      const program = await device.lower(each, blocks)
      await device.run(program, each === plan ? inputs : {})
      const read: Record<string, HostArray> = {}
      for (const [name, place] of Object.entries(program.outputs)) read[name] = (await device.read(place)).slice()
      if (each === plan) results.push(read)
    }
  }
  return results
}

/** The same without anything prepared. */
async function computed(device: Device, outputs: Record<string, Tensor>, inputs: Record<string, HostArray>, seed = 1) {
  const memory = device.allocate('f32', parameterBytes / 4)
  device.write(memory, numbers([parameterBytes / 4], seed))
  return compute(device, { outputs }, inputs, { [block]: memory })
}

const devices = [
  ['cpu', () => new CpuDevice({ threads: 1 })],
  ['reference', () => new ReferenceDevice()],
] as const

describe('what hangs on parameters alone', () => {
  it('is computed before: of a batch norm after a convolution a run has one step', () => {
    const images = new Input('images', [1, 8, 8, 2])
    const vector = (i: number) => new Resident(block, 2048 + 256 * i, [4])
    const norm = { mean: vector(0), variance: vector(1), gamma: vector(2), beta: vector(3) }
    const plan = planFor({ y: relu(batchNorm(conv2d(images, kernel), norm)) })
    expect(kernelsOf(plan)).toEqual(['conv2d'])
    expect(plan.preparation?.blocks).toEqual({ prepared: 2 * 256 })
    expect(kernelsOf(plan.preparation?.plan)).toEqual(['add', 'rsqrt', 'mul', 'mul', 'sub'])
  })

  it('is as it was, bit for bit: of outputs that are prepared themselves, of views into one, of several readers', async () => {
    const slopes = exp(mul(p, q))
    const outputs = {
      y: mul(x, slopes),
      slopes,
      row: add(matmul(reshape(x, [40, 8]), transpose(reshape(slopes, [8, 8]), [1, 0])), 1),
      twice: add(slopes, neg(slopes)),
    }
    const inputs = { x: numbers([5, 64], 3) }
    for (const [name, open] of devices) {
      const device = open()
      const plan = makePlan({ outputs }, device.fusions, newValues())
      const [actual] = await runPlans(device, [plan], inputs)
      expect(actual, name).toEqual(await computed(device, outputs, inputs))
    }
  })

  it('leaves views where they are: a kernel under another shape is no copy', () => {
    const plan = planFor({ y: matmul(reshape(x, [40, 8]), reshape(p, [8, 8])) })
    expect(plan.preparation).toBeNull()
    expect(plan.blocks).toEqual([block])
  })

  it('stays in the run where it is stretched to much more than it is made of', () => {
    const row = reshape(p, [1, 64])
    const y = concat([new Input('x', [500, 64]), broadcastTo(square(row), [500, 64])], { axis: 1 })
    const stretched = planFor({ y })
    expect(kernelsOf(stretched)).toContain('broadcast')
    expect(stretched.preparation?.blocks).toEqual({ prepared: 256 })
    expect(kernelsOf(stretched.preparation?.plan)).toEqual(['square'])
  })

  it('is what a part of a concatenation is made of, where another part is made in each run', async () => {
    const outputs = { y: square(concat([tanh(x), reshape(exp(neg(p)), [1, 64])], { axis: 0 })) }
    const plan = planFor(outputs)
    // The last of its steps writes into what the run makes.
    expect(kernelsOf(plan).toSorted()).toEqual(['exp', 'square', 'tanh'])
    expect(kernelsOf(plan.preparation?.plan)).toEqual(['neg'])
    const whole = {
      y: mul(x, sum(concat([reshape(exp(p), [1, 64]), reshape(neg(q), [1, 64])], { axis: 0 }), { axes: 0 })),
    }
    expect(kernelsOf(planFor(whole))).toEqual(['mul'])
    const inputs = { x: numbers([5, 64]) }
    const [mixed, all] = await runPlans(cpu, [plan, planFor(whole)], inputs)
    expect(mixed).toEqual(await computed(cpu, outputs, inputs))
    expect(all).toEqual(await computed(cpu, whole, inputs))
  })

  it('may be constants alone', () => {
    const values = () => new Constant(numbers([64]), [64])
    expect(kernelsOf(planFor({ y: mul(x, exp(values())) }))).toEqual(['mul'])
  })

  it('is nothing that reads another block: a data set, say', () => {
    const plan = planFor({ y: mul(x, exp(new Resident('samples', 0, [64]))) })
    expect(kernelsOf(plan)).toEqual(['exp', 'mul'])
    expect(plan.preparation).toBeNull()
  })

  it('is never prepared for what changes parameters', () => {
    const graph = { outputs: { y: mul(x, exp(p)) }, updates: [assignUpdate(q, exp(p))] }
    expect(() => makePlan(graph, cpu.fusions, newValues())).toThrow(/what changes parameters/)
  })
})

describe('what is prepared', () => {
  it('is shared by plans, those of other batches and of parts of a network', async () => {
    const values = newValues()
    const larger = new Input('x', [9, 64])
    const constants = () => new Constant(numbers([64], 7), [64])
    const graphs = [
      { y: mul(x, exp(add(p, constants()))) },
      { y: mul(larger, exp(add(p, constants()))) },
      { y: add(larger, mul(exp(add(p, constants())), tanh(q))) },
    ]
    const plans = graphs.map((outputs) => planFor(outputs, values))
    expect(plans.map(({ preparation }) => kernelsOf(preparation?.plan))).toEqual([['add', 'exp'], [], ['tanh', 'mul']])
    expect(plans.map(({ blocks }) => blocks)).toEqual([['prepared'], ['prepared'], ['prepared1']])
    // The third plan's own preparation reads the first's.
    expect(plans[2].preparation?.plan.blocks).toContain('prepared')
    const [given, more] = [{ x: numbers([5, 64]) }, { x: numbers([9, 64]) }]
    const [first] = await runPlans(cpu, [plans[0]], given)
    expect(first).toEqual(await computed(cpu, graphs[0], given))
    const [, , third] = await runPlans(
      cpu,
      [{ ...plans[0], steps: [], inputs: {}, outputs: {} }, plans[1], plans[2]],
      more,
    )
    expect(third).toEqual(await computed(cpu, graphs[2], more))
  })

  it('is one value where a graph asks for the same twice', async () => {
    const outputs = { y: add(mul(x, exp(neg(p))), mul(x, square(exp(neg(p))))) }
    const plan = planFor(outputs)
    expect(plan.preparation?.blocks).toEqual({ prepared: 512 })
    const inputs = { x: numbers([5, 64]) }
    const [actual] = await runPlans(cpu, [plan], inputs)
    expect(actual).toEqual(await computed(cpu, outputs, inputs))
  })

  it('is told apart by operands, by places, and by attributes, those that JSON has no words for too', () => {
    const bounds = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0, -0]
    const values = newValues()
    const plans = [
      ...bounds.map((min) => planFor({ y: mul(x, clip(p, { min })) }, values)),
      planFor({ y: mul(x, clip(q, { min: 0 })) }, values),
      planFor({ y: mul(x, add(p, q)) }, values),
      planFor({ y: mul(x, add(q, p)) }, values),
      planFor({ y: mul(x, add(p, new Constant(0, [64]))) }, values),
      planFor({ y: mul(x, add(p, new Constant(-0, [64]))) }, values),
      planFor({ y: mul(reshape(x, [5, 8, 8]), transpose(square64, [1, 0])) }, values),
    ]
    for (const { preparation } of plans) expect(preparation).not.toBeNull()
    expect(planFor({ y: mul(x, clip(p, { min: 0 })) }, values).preparation).toBeNull()
  })

  it('goes into as many blocks as the device makes necessary', async () => {
    const outputs = { y: add(mul(x, exp(p)), exp(q)) }
    const values = new PreparedValues(block, 256)
    const plan = planFor(outputs, values)
    expect(plan.preparation?.blocks).toEqual({ prepared: 256, prepared1: 256 })
    const inputs = { x: numbers([5, 64]) }
    const [actual] = await runPlans(cpu, [plan], inputs)
    expect(actual).toEqual(await computed(cpu, outputs, inputs))
  })
})
