import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HostArray } from '../../../src/engine/device.ts'
import { type Conv2dOptions, conv2d } from '../../../src/engine/ops/conv2d.ts'
import { makePlan } from '../../../src/engine/plan/plan.ts'
import type { Graph } from '../../../src/engine/plan/trace.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input, type Shape, type Tensor } from '../../../src/engine/tensor.ts'
import { openWebGPUDevice, type WebGPUDevice } from '../../../src/engine/webgpu/device.ts'
import { candidatesOf, stepName } from '../../../src/engine/webgpu/lowering.ts'
import { numbers } from '../device-suite.ts'

/** A convolution, every result of which is a sum of so many products. */
interface HalfCase {
  readonly terms: number
  readonly given: Readonly<Record<string, Given>>
  readonly build: (inputs: Readonly<Record<string, Input>>) => Tensor
}

interface Given {
  readonly shape: Shape
  /** Its whole numbers: 0, 1, … */
  readonly levels: number
}

/**
 * Products that any kernel sums in f16 before it adds them to its f32 sum, at most: of a row's numbers in hand (product.ts), or of four
 * channels in hand by the four numbers of a window (conv2d-tiles.ts).
 */
const termsInHalf = 16

function convolution(
  x: Shape,
  kernel: readonly [number, number, number, number],
  options: Conv2dOptions = {},
): HalfCase {
  return {
    terms: kernel[0] * kernel[1] * kernel[2],
    given: { x: { shape: x, levels: 8 }, kernel: { shape: kernel, levels: 8 } },
    build: (inputs) => conv2d(inputs.x, inputs.kernel, options),
  }
}

/**
 * All that has kernels in f16. Products of their whole numbers are 49 at most (112 where images are recomputed, of 56 and 2), and
 * 16 of them less than 2048, up to which f16 has every whole number; the sums of all of them are more, as a rule.
 */
const cases: Readonly<Record<string, HalfCase>> = {
  pointwise: convolution([1, 5, 7, 208], [1, 1, 208, 24]),
  'pointwise, no fours': convolution([1, 5, 7, 210], [1, 1, 210, 10]),
  window: convolution([1, 5, 7, 64], [2, 2, 64, 8], { padding: 'same' }),
  'window, no fours': convolution([1, 5, 7, 65], [2, 2, 65, 10], { padding: 'same' }),
  strided: convolution([1, 5, 9, 64], [2, 2, 64, 12], { strides: [1, 2] }),
  recomputed: {
    terms: 256,
    given: {
      x: { shape: [1, 6, 8, 1], levels: 8 },
      inner: { shape: [2, 2, 1, 64], levels: 3 },
      kernel: { shape: [2, 2, 64, 4], levels: 3 },
    },
    build: (inputs) => conv2d(conv2d(inputs.x, inputs.inner), inputs.kernel),
  },
}

function graphOf(names: readonly string[]): Graph {
  const results = names.map((name) => {
    const { given, build } = cases[name]
    const inputs = Object.entries(given).map(([own, { shape }]) => [own, new Input(`${name}: ${own}`, shape)])
    return [name, build(Object.fromEntries(inputs))]
  })
  return { outputs: Object.fromEntries(results) }
}

/** Values for all inputs, each made of a number between 0 and 1. */
function valuesFor(numberOf: (share: number, levels: number) => number): Readonly<Record<string, Float32Array>> {
  const inputs = Object.entries(cases).flatMap(([name, { given }]) =>
    Object.entries(given).map(([own, { shape, levels }]) => ({ name: `${name}: ${own}`, shape, levels })),
  )
  return Object.fromEntries(
    inputs.map(({ name, shape, levels }, at) => [
      name,
      numbers(shape, at + 1).map((value) => numberOf(value / 1.8 + 0.5, levels)),
    ]),
  )
}

const wholeNumbers = valuesFor((share, levels) => Math.min(levels - 1, Math.floor(levels * share)))
/** Few of them are f16's. No sum of theirs cancels out, and none is so small that f16 had fewer digits for it. */
const fractions = valuesFor((share) => 0.5 + share)

/**
 * How far a sum of positive products may lie from what it stands for, as a share of it, after k roundings by u at most:
 * (1 + u)^k - 1, which is no more than k u / (1 - k u) (Higham, Accuracy and Stability of Numerical Algorithms, lemma 3.1).
 */
function shareOf(roundings: number, unit: number): number {
  return (roundings * unit) / (1 - roundings * unit)
}

/**
 * f32 keeps 24 binary digits, and WGSL lets a device round to either neighbour: by 2^-23. A product is rounded itself, and so is
 * every sum that it is part of: `terms` at most, and where images are recomputed five more.
 */
const singleShare = (terms: number) => shareOf(terms + 6, 2 ** -23)

/**
 * f16 keeps 11 digits, so that u is 2^-10. Both factors are rounded to it, their product, and every sum in f16 but the first, of 0
 * and a product; then come the roundings of f32, for which twice their share leaves room enough where both are multiplied.
 */
const halfShare = (terms: number) => shareOf(termsInHalf + 2, 2 ** -10) + 2 * singleShare(terms)

/** Every kernel that computes in f16, on the device's own adapter, where that can. */
export function halfSuite(): void {
  describe('the WebGPU device, in half precision', () => {
    let device: WebGPUDevice
    let choices: Readonly<Record<string, string>> = {}
    beforeAll(async () => {
      const tuningMemory = { read: async () => choices, write: async () => {} }
      device = await openWebGPUDevice({ halfPrecision: true, tuningMemory })
    })
    afterAll(() => device?.dispose())

    // How weights come to a thread, and for which cases: a GPU's kernels take long to compile on a processor.
    it.for([
      ['software', 'subgroup', Object.keys(cases)],
      ['software', 'uniform', ['pointwise', 'window']],
      ['hardware', 'workgroup memory', ['pointwise, no fours', 'window, no fours']],
      // Four channels at once; on a processor one.
      ['hardware', 'storage', ['window']],
    ] as const)(
      'sums whole numbers without an error, and fractions with what f16 must make and no more: %s, weights by %s',
      async ([kind, source, names], { skip }) => {
        const { adapter, halfPrecision } = device.info
        // Mesa has it on every processor: there nothing is left out unnoticed.
        if (/llvmpipe/.test(adapter)) expect(halfPrecision).toBe(true)
        if (!halfPrecision) skip(`${adapter} has no shader-f16`)
        if (source === 'subgroup' && device.traits.lanes === 0) skip(`${adapter} has no subgroups of one size`)
        Object.assign(device.traits, { isSoftware: kind === 'software' })
        const graph = graphOf(names)
        const isWanted = ({ name }: { name: string }) => name.includes(`, ${source}`) && name.endsWith(', f16')
        const chosen = makePlan(graph, device.fusions).steps.flatMap((step) => {
          // Ways that recompute images come before those that store them.
          const way = candidatesOf(step, device.traits).find(isWanted)
          return way ? [[stepName(step), way.name]] : []
        })
        expect(chosen).toHaveLength(names.length)
        choices = Object.fromEntries(chosen)
        await device.recall()
        const results = await runBoth(device, graph)
        const expected = await runBoth(new ReferenceDevice(), graph)
        for (const name of names) {
          const { terms } = cases[name]
          const said = `${name} by ${JSON.stringify(choices)}`
          expect(Array.from(results.whole[name]), said).toEqual(Array.from(expected.whole[name]))
          const share = largestShare(results.fractions[name], expected.fractions[name])
          expect(share, said).toBeLessThanOrEqual(halfShare(terms))
          expect(share, `${said}: computed in f32`).toBeGreaterThan(singleShare(terms))
        }
      },
    )
  })
}

async function runBoth(device: WebGPUDevice | ReferenceDevice, graph: Graph) {
  const program = await device.lower(makePlan(graph, device.fusions), {})
  const [whole, fractional] = await device.runAll(program, 2, (run) => (run === 0 ? wholeNumbers : fractions))
  program.dispose()
  return { whole, fractions: fractional }
}

function largestShare(actual: HostArray, expected: HostArray): number {
  return Math.max(...Array.from(expected, (value, i) => Math.abs(actual[i] - value) / value))
}
