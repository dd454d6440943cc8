import { expect, it } from 'vitest'
import { compute } from '../../src/engine/compute.ts'
import { CpuDevice } from '../../src/engine/cpu/device.ts'
import type { Memory } from '../../src/engine/device.ts'
import { gradients } from '../../src/engine/gradients.ts'
import { ops } from '../../src/engine/ops/public.ts'
import { makePlan } from '../../src/engine/plan/plan.ts'
import { PreparedValues } from '../../src/engine/plan/prepare.ts'
import { ReferenceDevice } from '../../src/engine/reference/device.ts'
import type { Tensor } from '../../src/engine/tensor.ts'
import { RandomGraph } from './random-graph.ts'

/** Graphs with gradients, fused on cpu and unfused in float64; and with and without what can be prepared. */

/** What a graph ends in, something in its middle, and gradients of most of its leaves. */
function resultsOf(graph: RandomGraph): Record<string, Tensor> {
  const y = graph.last
  const outputs: Record<string, Tensor> = { y, middle: graph.pick(graph.tensors) }
  const upstream = graph.leaf(y.shape)
  const wanted = graph.leaves.filter(({ tensor }) => tensor !== upstream && graph.chance(0.8))
  const slopes = gradients(
    ops.sum(ops.mul(y, upstream)),
    wanted.map(({ tensor }) => tensor),
  )
  slopes.forEach((slope, i) => {
    outputs[`d.${wanted[i].name}`] = slope
  })
  return outputs
}

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
}

/** The largest difference; infinite where the lengths differ or one of two is not a number. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  const differences = Array.from(a, (value, i) => (Object.is(value, b[i]) ? 0 : Math.abs(value - b[i])))
  return largest(differences.map((value) => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value)))
}

it('400 random graphs: the cpu, fused, agrees with float64, unfused', async () => {
  const [cpu, reference] = [new CpuDevice(), new ReferenceDevice()]
  for (let seed = 0; seed < 400; seed++) {
    const graph = new RandomGraph(seed)
    const outputs = resultsOf(graph)
    const actual = await compute(cpu, { outputs }, graph.inputs)
    const expected = await compute(reference, { outputs }, graph.inputs)
    // How much a result moves when the inputs move by a few roundings of float32 tells how many digits it can have.
    const moved = Object.entries(graph.inputs).map(([name, values]) => [
      name,
      Float64Array.from(values, (value, i) => value * (1 + (i % 2 === 0 ? 1e-6 : -1e-6))),
    ])
    const shaken = await compute(reference, { outputs }, Object.fromEntries(moved))
    for (const name of Object.keys(outputs)) {
      const scale = largest(expected[name])
      // Values are of the order of 1: what cancels to less (the gradient of a sum of softmaxes) is as good as 0.
      const tolerance = 1e-5 * Math.max(scale, 0.1) + 3 * difference(shaken[name], expected[name])
      const error = difference(actual[name], expected[name])
      expect(error, `seed ${seed}, ${name}: ${graph.log.join('; ')}`).toBeLessThanOrEqual(tolerance)
    }
  }
})

it.each([
  ['nothing changes by it', false],
  ['weights are arranged for their kernels', true],
])('100 random graphs: what hangs on parameters alone is computed before, and %s', async (_, isArranged) => {
  const cpu = new CpuDevice()
  let steps = 0
  for (let seed = 0; seed < 100; seed++) {
    const graph = new RandomGraph(seed, 0.9)
    const outputs = resultsOf(graph)
    const memory = cpu.allocate('f32', graph.parameterBytes / 4)
    for (const [offset, values] of graph.parameters) cpu.write(memory, values, offset)
    const parameters = { parameters: memory }
    const expected = await compute(cpu, { outputs }, graph.inputs, parameters)
    const plan = makePlan(
      { outputs },
      cpu.fusions,
      new PreparedValues('parameters', 2 ** 12, isArranged ? cpu.arrangementOf : undefined),
    )
    const blocks: Record<string, Memory> = { ...parameters }
    for (const [name, bytes] of Object.entries(plan.preparation?.blocks ?? {}))
      blocks[name] = cpu.allocate('f32', bytes / 4)
    for (const each of [plan.preparation?.plan, plan]) {
      if (!each) continue
      const program = await cpu.lower(each, blocks)
      await cpu.run(program, each === plan ? graph.inputs : {})
      for (const [name, place] of Object.entries(program.outputs))
        expect(
          difference(await cpu.read(place), expected[name]),
          `seed ${seed}, ${name}: ${graph.log.join('; ')}`,
          // Winograd's algorithm takes smaller images where its kernels are transformed before.
        ).toBeLessThanOrEqual(isArranged ? 2e-5 * Math.max(largest(expected[name]), 0.1) : 0)
      program.dispose()
    }
    steps += plan.preparation?.plan.steps.length ?? 0
    for (const each of Object.values(blocks)) each.dispose()
  }
  expect(steps).toBeGreaterThan(100)
})
