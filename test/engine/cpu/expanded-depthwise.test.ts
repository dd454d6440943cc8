import seedrandom from 'seedrandom'
import { afterAll, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import type { HostArray } from '../../../src/engine/device.ts'
import { ops } from '../../../src/engine/ops/public.ts'
import { fuse } from '../../../src/engine/plan/fuse.ts'
import { makePlan } from '../../../src/engine/plan/plan.ts'
import { trace } from '../../../src/engine/plan/trace.ts'
import { Input, sizeOf, type Tensor } from '../../../src/engine/tensor.ts'
import { numbers } from '../device-suite.ts'

/**
 * An inverted residual block: its wide images are made a few lines at a time where nothing else reads them. Where they are an output, too,
 * they are stored, and the steps are two: that is what the one step has to equal, bit for bit.
 */
const devices = [1, 3].map((threads) => new CpuDevice({ threads }))
afterAll(() => devices.forEach((device) => device.dispose()))

interface Block {
  readonly y: Tensor
  readonly wide: Tensor
  readonly inputs: readonly Input[]
}

const activations: readonly ((x: Tensor) => Tensor)[] = [
  (x) => x,
  ops.relu,
  ops.relu6,
  ops.silu,
  ops.hardSwish,
  (x) => ops.leakyRelu(x, { alpha: 0.3 }),
]

/** Images of at least a megabyte each, wherever their pixels are, and any window. */
function randomBlock(seed: number): Block {
  const random = seedrandom(`block ${seed}`)
  const below = (limit: number) => Math.floor(random() * limit)
  const pick = <T>(items: readonly T[]): T => items[below(items.length)]
  const inputs: Input[] = []
  const given = (name: string, shape: readonly number[]) => {
    const input = new Input(name, shape)
    inputs.push(input)
    return input
  }
  const [height, width] = [pick([48, 64, 200]), pick([30, 61, 128])]
  const channels = Math.ceil(2 ** 18 / (height * width)) + below(6)
  const narrow = 1 + below(9)
  const x = given('x', [pick([1, 1, 2, 3]), height, width, narrow])
  const sums = ops.conv2d(x, given('expand', [1, 1, narrow, channels]), { padding: pick(['same', 'valid']) })
  const scaled = random() < 0.5 ? ops.mul(sums, given('gain', [channels])) : sums
  const added = random() < 0.7 ? ops.add(scaled, given('shift', [channels])) : scaled
  const wide = pick(activations)(added)
  const [windowHeight, windowWidth] = [1 + below(5), 1 + below(5)]
  const sides = () => [below(windowHeight + 2), below(windowHeight + 2)] as const
  const deep = ops.depthwiseConv2d(wide, given('deep', [windowHeight, windowWidth, channels, 1]), {
    strides: pick([1, 1, 2, 3, [2, 1], [1, 3]] as const),
    padding: pick(['same', [sides(), sides()]] as const),
    dilation: windowHeight < 4 ? pick([1, 1, 2] as const) : 1,
    ...(random() < 0.5 && { bias: given('bias', [channels]) }),
  })
  return { y: pick(activations)(deep), wide, inputs }
}

it.each(Array.from({ length: 16 }, (_, seed) => seed))(
  'has the bits of a block whose wide images are stored (%i)',
  async (seed) => {
    const { y, wide, inputs } = randomBlock(seed)
    const values = Object.fromEntries(inputs.map(({ name, shape }) => [name, numbers(shape)]))
    for (const device of devices) {
      expect(expansionsIn(device, { y })).toBe(1)
      expect(expansionsIn(device, { y, wide })).toBe(0)
      const together = await compute(device, { outputs: { y } }, values)
      const apart = await compute(device, { outputs: { y, wide } }, values)
      expect(sameBits(together.y, apart.y)).toBe(true)
    }
  },
)

/** Millions of numbers: toEqual takes seconds for them. */
function sameBits(a: HostArray, b: HostArray): boolean {
  const bytesOf = ({ buffer, byteOffset, byteLength }: HostArray) => Buffer.from(buffer, byteOffset, byteLength)
  return bytesOf(a).equals(bytesOf(b))
}

function expansionsIn({ fusions }: CpuDevice, outputs: Readonly<Record<string, Tensor>>): number {
  return fuse(trace({ outputs }), fusions).steps.filter(({ attributes }) => 'expansion' in attributes).length
}

it('needs no memory for the wide images', () => {
  const { y, wide } = randomBlock(1)
  const arenaOf = (outputs: Readonly<Record<string, Tensor>>) => makePlan({ outputs }, devices[0].fusions).spaces.arena
  expect(arenaOf({ y })).toBe(0)
  expect(arenaOf({ y, mean: ops.mean(wide) })).toBeGreaterThanOrEqual(4 * sizeOf(wide.shape))
})

it.each<[string, (x: Tensor, expand: Tensor, deep: Tensor) => Tensor]>([
  [
    'too small to matter',
    (x, expand, deep) =>
      ops.depthwiseConv2d(ops.conv2d(ops.slice(x, { begin: [0, 0, 0, 0], end: [1, 40, 64, 4] }), expand, {}), deep),
  ],
  [
    'read by two',
    (x, expand, deep) => {
      const wide = ops.conv2d(x, expand, {})
      return ops.add(ops.depthwiseConv2d(wide, deep, { padding: 'same' }), wide)
    },
  ],
  [
    'seen by windows of much of their height',
    (x, expand, deep) => ops.depthwiseConv2d(ops.conv2d(x, expand, {}), deep, { dilation: 12 }),
  ],
  ['made of strides', (x, expand, deep) => ops.depthwiseConv2d(ops.conv2d(x, expand, { strides: 2 }), deep)],
])('stores them where they are %s', (_, build) => {
  const [x, expand, deep] = [
    new Input('x', [1, 64, 64, 4]),
    new Input('e', [1, 1, 4, 64]),
    new Input('d', [3, 3, 64, 1]),
  ]
  expect(expansionsIn(devices[0], { y: build(x, expand, deep) })).toBe(0)
})
