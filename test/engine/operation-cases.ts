import seedrandom from 'seedrandom'
import type { HostArray } from '../../src/engine/device.ts'
import { gradients } from '../../src/engine/gradients.ts'
import { blendBySegments, packMasks } from '../../src/engine/ops/blend-by-segments.ts'
import { concat, split, stack } from '../../src/engine/ops/concat.ts'
import { conv2d } from '../../src/engine/ops/conv2d.ts'
import { conv2dTranspose } from '../../src/engine/ops/conv2d-transpose.ts'
import { depthwiseConv2d } from '../../src/engine/ops/depthwise-conv2d.ts'
import {
  add,
  type BinaryName,
  binaryRows,
  elementwise,
  hardSigmoid,
  leakyRelu,
  mul,
  type ParameterisedName,
  type RowParameters,
  relu,
  relu6,
  silu,
  square,
  tanh,
  type UnaryName,
  unaryRows,
} from '../../src/engine/ops/elementwise.ts'
import { gather } from '../../src/engine/ops/gather.ts'
import { dense, matmul } from '../../src/engine/ops/matmul.ts'
import { batchNorm, groupNorm, instanceNorm, layerNorm, localResponseNorm } from '../../src/engine/ops/normalization.ts'
import { type Margin, type PadOptions, pad } from '../../src/engine/ops/pad.ts'
import { avgPool, globalAveragePool, globalMaxPool, maxPool } from '../../src/engine/ops/pool.ts'
import { random } from '../../src/engine/ops/random.ts'
import { argMax, argMin, l2, max, mean, min, product } from '../../src/engine/ops/reduce.ts'
import { expandDims, flatten, reshape, squeeze } from '../../src/engine/ops/reshape.ts'
import { type ResizeOptions, resize } from '../../src/engine/ops/resize.ts'
import { type SliceOptions, slice } from '../../src/engine/ops/slice-and-pad.ts'
import { logSoftmax, softmax } from '../../src/engine/ops/softmax.ts'
import { softmaxCrossEntropy } from '../../src/engine/ops/softmax-cross-entropy.ts'
import { broadcastTo, expand, sum } from '../../src/engine/ops/sum-and-broadcast.ts'
import { take } from '../../src/engine/ops/take.ts'
import { transpose } from '../../src/engine/ops/transpose.ts'
import { where } from '../../src/engine/ops/where.ts'
import { type Graph, trace } from '../../src/engine/plan/trace.ts'
import { Input, type Shape, sizeOf, type Tensor } from '../../src/engine/tensor.ts'

/**
 * One list of small problems for every operation and every fusion. From it come the central-difference checks of the
 * gradients and, on every device, the comparison with the reference device. Runs in Node and in the browser.
 */
export interface OperationCase {
  readonly name: string
  readonly inputs: Readonly<Record<string, { readonly shape: Shape; readonly values: HostArray }>>
  readonly build: (inputs: Readonly<Record<string, Tensor>>) => Tensor
  /** The inputs whose gradients exist. */
  readonly differentiable: readonly string[]
}

type Given = OperationCase['inputs']

/** Inputs drawn with the case's name as the seed: adding a case changes no other. */
class Draw {
  private readonly next: () => number

  constructor(seed: string) {
    this.next = seedrandom(seed)
  }

  integer(below: number): number {
    return Math.floor(this.next() * below)
  }

  /** Rounded to f32, so that all devices get the same; 0.05 away from 0, where some functions have a kink. */
  uniform(shape: Shape, [low, high]: readonly [number, number] = [-1, 1]) {
    const values = Float32Array.from({ length: sizeOf(shape) }, () => {
      const value = low + (high - low) * this.next()
      return Math.abs(value) < 0.05 ? value + 0.1 * (value < 0 ? -1 : 1) : value
    })
    return { shape, values }
  }

  /** All different by at least 0.03, in random order: no ties, no nearly equal maxima. */
  distinct(shape: Shape) {
    const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => (i - sizeOf(shape) / 2) * 0.03)
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.integer(i + 1)
      ;[values[i], values[j]] = [values[j], values[i]]
    }
    return { shape, values }
  }

  integers(shape: Shape, below: number) {
    return { shape, values: Int32Array.from({ length: sizeOf(shape) }, () => this.integer(below)) }
  }

  masks(count: number, segments: number) {
    const bytes = Uint8Array.from({ length: count * segments }, () => this.integer(2))
    return { shape: [count, Math.ceil(segments / 32)], values: packMasks(bytes, count, segments) }
  }
}

function define(
  name: string,
  make: (draw: Draw) => Given,
  build: OperationCase['build'],
  differentiable?: readonly string[],
): OperationCase {
  const inputs = make(new Draw(name))
  const floats = Object.keys(inputs).filter((key) => inputs[key].values instanceof Float32Array)
  return { name, inputs, build, differentiable: differentiable ?? floats }
}

const unaryNames = Object.keys(unaryRows) as UnaryName[]
/** Rows differ in what they compute of a number, not in how they walk: one row tries that. */
const unaryCases = unaryNames.flatMap((name, index) =>
  (index === 0 ? [[7], [2, 3, 5], [4, 33]] : [[4, 33]]).map((shape) =>
    define(
      `${name} ${shape}`,
      (draw) => ({ x: draw.uniform(shape, unaryRows[name].domain) }),
      ({ x }) => elementwise(name, [x]),
    ),
  ),
)

/** Other parameters than those that a row has unless it is given some. */
const otherParameters: Readonly<Record<ParameterisedName, RowParameters>> = {
  hardSigmoid: { alpha: 0.3, beta: 0.2 },
  clip: { min: -1.25, max: 1e-7 },
  leakyRelu: { alpha: 0.01 },
  elu: { alpha: 1.7 },
  selu: { alpha: 0.5, gamma: 2 },
}
const parameterCases = Object.entries(otherParameters).map(([name, parameters]) =>
  define(
    `${name} ${JSON.stringify(parameters)}`,
    (draw) => ({ x: draw.uniform([5, 9]) }),
    ({ x }) => elementwise(name as ParameterisedName, [x], parameters),
  ),
)

const broadcastPairs: readonly (readonly [Shape, Shape])[] = [
  [
    [2, 3, 5],
    [2, 3, 5],
  ],
  [[4, 3], [3]],
  [
    [2, 1, 5],
    [3, 1],
  ],
  [[], [2, 2]],
  [
    [3, 1],
    [3, 7],
  ],
  [
    [1, 1, 4],
    [2, 3, 1],
  ],
]
const binaryCases = (Object.keys(binaryRows) as BinaryName[]).flatMap((name, index) =>
  (index === 0 ? broadcastPairs : [broadcastPairs[0], broadcastPairs[2]]).map(([a, b]) =>
    define(
      `${name} ${JSON.stringify(a)} ${JSON.stringify(b)}`,
      (draw) => {
        const { domain } = binaryRows[name]
        return { a: draw.uniform(a, domain), b: draw.uniform(b, domain) }
      },
      ({ a: left, b: right }) => elementwise(name, [left, right]),
    ),
  ),
)

const convShapes = [
  { x: [2, 5, 6, 3], kernel: [3, 3, 3, 4], padding: 'same', strides: 1 },
  { x: [1, 7, 5, 2], kernel: [3, 2, 2, 5], padding: 'valid', strides: 1 },
  { x: [2, 8, 7, 1], kernel: [5, 5, 1, 3], padding: 'same', strides: 2 },
  { x: [1, 6, 9, 5], kernel: [2, 4, 5, 2], padding: 'same', strides: [1, 3] },
  { x: [3, 4, 4, 8], kernel: [1, 1, 8, 16], padding: 'valid', strides: 1 },
  { x: [1, 9, 13, 4], kernel: [3, 3, 4, 17], padding: 'same', strides: 1 },
  { x: [2, 7, 11, 16], kernel: [3, 3, 16, 20], padding: 'valid', strides: 2 },
] as const
const convCases = convShapes.map(({ x, kernel, padding, strides }) =>
  define(
    `conv2d ${x} * ${kernel} ${padding} ${strides}`,
    (draw) => ({ x: draw.uniform(x), kernel: draw.uniform(kernel), bias: draw.uniform([kernel[3]]) }),
    (given) => conv2d(given.x, given.kernel, { padding, strides, bias: given.bias }),
  ),
)

/** Padding in pixels, places apart and groups: images smaller than windows, strides larger, groups of one channel. */
const otherConvs = [
  {
    x: [2, 5, 4, 3],
    kernel: [3, 3, 3, 5],
    padding: [
      [1, 2],
      [0, 3],
    ],
  },
  { x: [1, 2, 3, 2], kernel: [5, 4, 2, 3], padding: 3 },
  { x: [1, 4, 5, 4], kernel: [1, 1, 4, 4], padding: [2, 1], strides: 2 },
  {
    x: [1, 6, 5, 4],
    kernel: [2, 3, 4, 8],
    padding: [
      [0, 6],
      [5, 0],
    ],
  },
  { x: [2, 6, 7, 3], kernel: [3, 3, 3, 6], padding: 'same', dilation: 2 },
  { x: [1, 9, 8, 4], kernel: [2, 3, 4, 5], padding: 'valid', dilation: [3, 1], strides: [2, 1] },
  { x: [1, 8, 9, 8], kernel: [3, 2, 8, 4], padding: 'same', dilation: [1, 3], strides: [1, 2] },
  { x: [1, 3, 3, 1], kernel: [3, 3, 1, 4], padding: 4, dilation: 3, strides: 3 },
  { x: [2, 5, 6, 6], kernel: [3, 3, 3, 4], padding: 'same', groups: 2 },
  { x: [1, 6, 5, 9], kernel: [2, 3, 3, 15], padding: 'valid', groups: 3, strides: 2 },
  { x: [1, 7, 6, 8], kernel: [3, 3, 4, 16], padding: 1, groups: 2 },
  {
    x: [1, 7, 7, 12],
    kernel: [3, 3, 3, 4],
    padding: [
      [2, 1],
      [0, 2],
    ],
    groups: 4,
    dilation: 2,
    strides: [1, 2],
  },
  { x: [1, 5, 5, 3], kernel: [3, 3, 1, 3], padding: 'same', groups: 3 },
  { x: [1, 5, 4, 4], kernel: [2, 2, 1, 8], padding: 'valid', groups: 4 },
  { x: [2, 5, 5, 1], kernel: [2, 2, 1, 3], padding: 'valid', strides: 4 },
  // Of one pixel, whose last ones see zeros alone.
  {
    x: [2, 4, 4, 4],
    kernel: [1, 1, 4, 8],
    padding: [
      [0, 1],
      [0, 1],
    ],
  },
  {
    x: [2, 5, 4, 4],
    kernel: [1, 1, 4, 6],
    padding: [
      [0, 2],
      [0, 1],
    ],
    strides: 2,
  },
  // Sums in two and in three parts.
  { x: [1, 2, 3, 600], kernel: [1, 1, 600, 5], padding: 'valid' },
  { x: [1, 3, 1, 1100], kernel: [1, 1, 1100, 9], padding: 'valid', strides: 2 },
] as const
const otherConvCases = otherConvs.map(({ x, kernel, ...options }) =>
  define(
    `conv2d ${x} * ${kernel} ${JSON.stringify(options)}`,
    (draw) => ({ x: draw.uniform(x), kernel: draw.uniform(kernel), bias: draw.uniform([kernel[3]]) }),
    (given) => relu(conv2d(given.x, given.kernel, { ...options, bias: given.bias })),
  ),
)

const depthwiseConvs = [
  { x: [2, 5, 6, 3], kernel: [3, 3, 3, 1], padding: 'same' },
  { x: [1, 7, 9, 8], kernel: [3, 3, 8, 1], padding: 'same', strides: 2 },
  { x: [1, 9, 10, 17], kernel: [3, 3, 17, 1], padding: 'valid' },
  { x: [1, 6, 5, 2], kernel: [3, 2, 2, 3], padding: 'same', strides: [1, 2] },
  {
    x: [1, 5, 6, 5],
    kernel: [2, 2, 5, 4],
    padding: [
      [1, 0],
      [2, 1],
    ],
  },
  { x: [1, 8, 9, 4], kernel: [3, 3, 4, 1], padding: 'same', dilation: 2 },
  { x: [1, 7, 8, 6], kernel: [2, 3, 6, 2], padding: 1, dilation: [2, 3], strides: [3, 1] },
  { x: [1, 2, 3, 4], kernel: [5, 5, 4, 1], padding: 2 },
  { x: [2, 5, 5, 1], kernel: [2, 2, 1, 3], padding: 'valid', strides: 3 },
  { x: [1, 3, 4, 5], kernel: [1, 1, 5, 1], padding: [2, 3], strides: [3, 2] },
] as const
const depthwiseCases = depthwiseConvs.map(({ x, kernel, ...options }) =>
  define(
    `depthwiseConv2d ${x} * ${kernel} ${JSON.stringify(options)}`,
    (draw) => ({ x: draw.uniform(x), kernel: draw.uniform(kernel), bias: draw.uniform([kernel[2] * kernel[3]]) }),
    (given) => relu(depthwiseConv2d(given.x, given.kernel, { ...options, bias: given.bias })),
  ),
)

const transposedConvs = [
  { x: [2, 3, 4, 3], kernel: [3, 3, 5, 3], padding: 'same', strides: 2 },
  { x: [1, 4, 3, 4], kernel: [2, 3, 8, 4], padding: 'valid', strides: [3, 1] },
  { x: [1, 3, 5, 4], kernel: [3, 3, 4, 4], padding: 1, strides: 2, outputPadding: 1 },
  {
    x: [1, 4, 4, 2],
    kernel: [3, 2, 3, 2],
    padding: [
      [0, 2],
      [1, 0],
    ],
    strides: [2, 3],
    outputPadding: [1, 2],
  },
  { x: [1, 5, 4, 6], kernel: [3, 3, 2, 6], padding: 'valid', dilation: 2, groups: 2 },
  { x: [1, 4, 5, 4], kernel: [3, 3, 1, 4], padding: 'same', strides: 2, groups: 4 },
  { x: [1, 3, 3, 6], kernel: [3, 3, 1, 6], padding: 1, groups: 2 },
  { x: [1, 2, 2, 3], kernel: [1, 1, 2, 3], padding: 'valid', strides: 3, outputPadding: 2 },
  { x: [1, 6, 5, 8], kernel: [3, 3, 8, 8], padding: 'same' },
] as const
const transposedCases = transposedConvs.map(({ x, kernel, ...options }) => {
  const groups = 'groups' in options ? options.groups : 1
  return define(
    `conv2dTranspose ${x} * ${kernel} ${JSON.stringify(options)}`,
    (draw) => ({ x: draw.uniform(x), kernel: draw.uniform(kernel), bias: draw.uniform([kernel[2] * groups]) }),
    (given) => relu(conv2dTranspose(given.x, given.kernel, { ...options, bias: given.bias })),
  )
})

/** Gradients' gradients: the three operations of each kind are made of one another. */
const convGradientCases = (
  [
    ['conv2d', [1, 5, 4, 4], [2, 3, 2, 6], (x, kernel) => conv2d(x, kernel, { padding: 1, dilation: 2, groups: 2 })],
    [
      'depthwiseConv2d',
      [1, 5, 4, 3],
      [2, 3, 3, 2],
      (x, kernel) => depthwiseConv2d(x, kernel, { padding: 'same', strides: 2 }),
    ],
    [
      'conv2dTranspose',
      [1, 3, 4, 2],
      [3, 2, 3, 2],
      (x, kernel) => conv2dTranspose(x, kernel, { padding: 'same', strides: 2 }),
    ],
  ] as const satisfies readonly (readonly [string, Shape, Shape, (x: Tensor, kernel: Tensor) => Tensor])[]
).map(([name, x, kernel, convolve]) =>
  define(
    `${name}: the square of its gradients`,
    (draw) => ({ x: draw.uniform(x), kernel: draw.uniform(kernel) }),
    (given) => {
      const [dx, dkernel] = gradients(sum(square(convolve(given.x, given.kernel))), [given.x, given.kernel])
      return add(sum(square(dx)), sum(square(dkernel)))
    },
  ),
)

const transposes = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const
const matmulCases = [
  [5, 7, 3],
  [1, 9, 4],
  [6, 33, 18],
].flatMap(([m, k, n]) =>
  transposes.map(([transposeA, transposeB]) =>
    define(
      `matmul ${m}x${k}x${n} ${transposeA ? 'Aᵀ' : 'A'}${transposeB ? 'Bᵀ' : 'B'}`,
      (draw) => ({ a: draw.uniform(transposeA ? [k, m] : [m, k]), b: draw.uniform(transposeB ? [n, k] : [k, n]) }),
      ({ a, b }) => matmul(a, b, { transposeA, transposeB }),
    ),
  ),
)

const batchedMatmuls: readonly (readonly [Shape, Shape, { transposeA?: boolean; transposeB?: boolean }])[] = [
  [[7], [7], {}],
  [[7], [7, 3], {}],
  [[5, 7], [7], {}],
  [[2, 5, 7], [7], {}],
  [[7], [2, 7, 3], {}],
  [[3, 5, 7], [3, 7, 4], {}],
  [[3, 5, 7], [7, 6], {}],
  [[3, 7, 5], [7, 6], { transposeA: true }],
  [[5, 7], [3, 7, 9], {}],
  [[2, 1, 17, 8], [3, 8, 12], {}],
  [[2, 3, 5, 8], [2, 3, 6, 8], { transposeB: true }],
  [[2, 3, 8, 5], [1, 3, 6, 8], { transposeA: true, transposeB: true }],
  [[2, 1, 3, 4, 5], [1, 2, 1, 5, 3], {}],
  [[2, 33, 600], [2, 600, 5], {}],
]
const batchedMatmulCases = [
  ...batchedMatmuls.map(([left, right, options]) =>
    define(
      `matmul ${JSON.stringify(left)} ${JSON.stringify(right)} ${JSON.stringify(options)}`,
      (draw) => ({ a: draw.uniform(left), b: draw.uniform(right) }),
      ({ a, b }) => matmul(a, b, options),
    ),
  ),
  define(
    'matmul of batches, then a bias, relu and a second one: epilogues and masks of batches',
    (draw) => ({
      x: draw.uniform([3, 5, 6]),
      w: draw.uniform([3, 6, 7]),
      bias: draw.uniform([7]),
      w2: draw.uniform([3, 7, 2]),
    }),
    ({ x, w, bias, w2 }) => matmul(relu(add(matmul(x, w), bias)), w2),
  ),
  define(
    'dense of sequences, relu, and dense again',
    (draw) => ({
      x: draw.uniform([2, 5, 6]),
      w: draw.uniform([6, 7]),
      bias: draw.uniform([7]),
      w2: draw.uniform([7, 2]),
    }),
    ({ x, w, bias, w2 }) => dense(relu(dense(x, w, bias)), w2),
  ),
]

const poolShapes = [
  { x: [2, 6, 6, 3], poolSize: 2, strides: 2, padding: 'valid' },
  { x: [1, 7, 5, 2], poolSize: 3, strides: 2, padding: 'same' },
  { x: [1, 5, 8, 5], poolSize: [2, 3], strides: [1, 2], padding: 'same' },
  { x: [2, 9, 9, 4], poolSize: 3, strides: 1, padding: 'valid' },
] as const
const poolCases = poolShapes.flatMap(({ x, ...options }) =>
  ([maxPool, avgPool] as const).map((pool) =>
    define(
      `${pool.name} ${x} ${JSON.stringify(options)}`,
      (draw) => ({ x: draw.distinct(x) }),
      (given) => pool(given.x, options),
    ),
  ),
)

const paddedPools = [
  { x: [1, 5, 6, 2], poolSize: 3, strides: 2, padding: 1 },
  {
    x: [2, 5, 4, 3],
    poolSize: [3, 2],
    strides: [2, 1],
    padding: [
      [1, 0],
      [0, 1],
    ],
  },
  { x: [1, 6, 7, 2], poolSize: 3, strides: 2, ceilMode: true },
  {
    x: [1, 7, 5, 3],
    poolSize: [2, 4],
    strides: [3, 2],
    padding: [
      [0, 1],
      [1, 2],
    ],
    ceilMode: true,
  },
  { x: [1, 2, 2, 1], poolSize: 3, strides: 3, padding: 1, ceilMode: true },
] as const
const paddedPoolCases = [
  ...paddedPools.flatMap(({ x, ...options }) => [
    define(
      `maxPool ${x} ${JSON.stringify(options)}`,
      (draw) => ({ x: draw.distinct(x) }),
      (given) => maxPool(given.x, options),
    ),
    ...[false, true].map((countIncludePad) =>
      define(
        `avgPool ${x} ${JSON.stringify({ ...options, countIncludePad })}`,
        (draw) => ({ x: draw.distinct(x) }),
        (given) => avgPool(given.x, { ...options, countIncludePad }),
      ),
    ),
  ]),
  ...(
    [
      { x: [2, 7, 8, 2], poolSize: 2, strides: 1, dilation: 2 },
      {
        x: [1, 9, 6, 3],
        poolSize: 3,
        strides: [2, 1],
        padding: [
          [2, 1],
          [1, 0],
        ],
        dilation: [3, 1],
      },
      { x: [1, 6, 8, 1], poolSize: [2, 3], strides: 2, padding: 1, dilation: [1, 2], ceilMode: true },
      { x: [1, 5, 5, 4], poolSize: 3, strides: 1, padding: 'same', dilation: 2 },
    ] as const
  ).map(({ x, ...options }) =>
    define(
      `maxPool ${x} ${JSON.stringify(options)}`,
      (draw) => ({ x: draw.distinct(x) }),
      (given) => maxPool(given.x, options),
    ),
  ),
  define(
    'avgPool, padding around the image counted as TensorFlow has it',
    (draw) => ({ x: draw.uniform([1, 5, 4, 2]) }),
    ({ x }) => avgPool(x, { poolSize: 3, strides: 2, padding: 'same', countIncludePad: true }),
  ),
  define(
    'avgPool whose outermost windows are zeros alone',
    (draw) => ({ x: draw.uniform([1, 3, 3, 2]) }),
    ({ x }) => avgPool(x, { poolSize: 2, strides: 1, padding: 2, countIncludePad: true }),
  ),
  define(
    'globalAveragePool, axes kept',
    (draw) => ({ x: draw.uniform([2, 5, 3, 4]) }),
    ({ x }) => globalAveragePool(x, { keepDims: true }),
  ),
  define(
    'globalMaxPool',
    (draw) => ({ x: draw.distinct([2, 5, 3, 4]) }),
    ({ x }) => globalMaxPool(x),
  ),
]

const resizes: readonly (readonly [Shape, ResizeOptions])[] = [
  [[2, 3, 4, 5], { size: [7, 6] }],
  [[1, 6, 5, 4], { size: [4, 3], mode: 'bilinear' }],
  [[2, 3, 4, 3], { size: [5, 9], mode: 'bilinear' }],
  [[1, 4, 4, 8], { scales: 2, mode: 'bilinear', coordinates: 'alignCorners' }],
  [[1, 5, 3, 1], { size: 1, mode: 'bilinear', coordinates: 'pytorchHalfPixel' }],
  [[1, 4, 7, 2], { scales: [2.3, 0.6], mode: 'bilinear', coordinates: 'halfPixelSymmetric' }],
  [[1, 5, 4, 2], { size: [3, 7], coordinates: 'asymmetric', rounding: 'floor' }],
  [[2, 4, 5, 3], { size: [7, 3], mode: 'bicubic' }],
  [[1, 3, 6, 4], { scales: [2.4, 0.7], mode: 'bicubic', cubicCoefficient: -0.5, excludeOutside: true }],
  [[1, 4, 4, 6], { size: [9, 6], coordinates: 'alignCorners', rounding: 'roundPreferCeil' }],
  [[1, 4, 5, 1], { scales: [1.7, 0.4], rounding: 'ceil' }],
]
const resizeCases = resizes.map(([shape, options]) =>
  define(
    `resize ${shape} ${JSON.stringify(options)}`,
    (draw) => ({ x: draw.uniform(shape) }),
    ({ x }) => resize(x, options),
  ),
)

const reduceAxes: readonly (readonly [Shape, readonly number[]])[] = [
  [[4, 5], [0]],
  [[4, 5], [1]],
  [
    [2, 3, 4, 5],
    [1, 2],
  ],
  [
    [2, 3, 4, 5],
    [0, 2],
  ],
  [[300, 7], [0]],
  [
    [3, 4],
    [0, 1],
  ],
]
const reduceCases = reduceAxes.flatMap(([shape, axes]) => [
  define(
    `sum ${shape} over ${axes}`,
    (draw) => ({ x: draw.uniform(shape) }),
    ({ x }) => sum(x, { axes }),
  ),
  define(
    `mean ${shape} over ${axes}, axes kept`,
    (draw) => ({ x: draw.uniform(shape) }),
    ({ x }) => mean(x, { axes, keepDims: true }),
  ),
  define(
    `max ${shape} over ${axes}`,
    (draw) => ({ x: draw.distinct(shape) }),
    ({ x }) => max(x, { axes }),
  ),
  define(
    `min ${shape} over ${axes}, axes kept`,
    (draw) => ({ x: draw.distinct(shape) }),
    ({ x }) => min(x, { axes, keepDims: true }),
  ),
  define(
    `product ${shape} over ${axes}`,
    // Around 1: what is far from it leaves the range of float32 when there are many.
    (draw) => ({ x: draw.uniform(shape, [0.9, 1.1]) }),
    ({ x }) => product(x, { axes }),
  ),
  define(
    `l2 ${shape} over ${axes}`,
    (draw) => ({ x: draw.uniform(shape) }),
    ({ x }) => l2(x, { axes }),
  ),
])

function image(
  draw: Draw,
  [height, width, channels]: readonly [number, number, number],
  segments: number,
  count: number,
): Given {
  return {
    image: draw.uniform([height, width, channels]),
    fudged: draw.uniform([height, width, channels]),
    segments: draw.integers([height, width], segments),
    masks: draw.masks(count, segments),
  }
}

const otherCases = [
  define(
    'product with a zero, with two and with none',
    () => ({ x: { shape: [3, 4], values: Float32Array.of(2, 0, -3, 0.5, 0, 4, 0, 1.5, -1, 2, 3, 0.25) } }),
    ({ x }) => product(x, { axes: 1 }),
  ),
  define(
    'product of negative numbers, axes kept',
    (draw) => ({ x: draw.uniform([3, 2, 5], [-2, 2]) }),
    ({ x }) => product(x, { axes: [0, 2], keepDims: true }),
  ),
  define(
    'l2 of zeros, beside others',
    () => ({ x: { shape: [2, 3], values: Float32Array.of(0, 0, 0, 3, 0, -4) } }),
    ({ x }) => l2(x, { axes: 1 }),
  ),
  define(
    'max and min of equals',
    () => ({ x: { shape: [2, 4], values: Float32Array.of(1, 4, 4, 2, -1, 3, 5, -1) } }),
    ({ x }) => mul(max(x, { axes: 1 }), min(x, { axes: 1 })),
  ),
  define(
    'argMin of the middle axis takes the first of equals',
    () => ({ x: { shape: [2, 3, 2], values: Float32Array.of(1, 5, 1, 2, 3, 2, -1, 0, -2, 0, 7, 0) } }),
    ({ x }) => argMin(x, { axis: 1 }),
    [],
  ),
  define(
    'argMax of the last axis',
    (draw) => ({ x: draw.distinct([6, 10]) }),
    ({ x }) => argMax(x),
    [],
  ),
  define(
    'argMax of the first axis',
    (draw) => ({ x: draw.distinct([6, 4]) }),
    ({ x }) => argMax(x, { axis: 0 }),
    [],
  ),
  define(
    'argMax takes the first of equals',
    () => ({ x: { shape: [2, 3], values: Float32Array.of(1, 2, 2, 5, 5, 1) } }),
    ({ x }) => argMax(x),
    [],
  ),
  define(
    'broadcastTo',
    (draw) => ({ x: draw.uniform([3, 1, 2]) }),
    ({ x }) => broadcastTo(x, [2, 3, 4, 2]),
  ),
  define(
    'reshape',
    (draw) => ({ x: draw.uniform([2, 6]) }),
    ({ x }) => mul(reshape(x, [3, 4]), 2),
  ),
  define(
    'softmax',
    (draw) => ({ x: draw.uniform([5, 10], [-4, 4]) }),
    ({ x }) => softmax(x),
  ),
  define(
    'softmax of one wide row',
    (draw) => ({ x: draw.uniform([1, 301], [-4, 4]) }),
    ({ x }) => softmax(x),
  ),
  ...[softmax, logSoftmax].flatMap((operation) =>
    [0, 1, -2, 3].map((axis) =>
      define(
        `${operation.name} along axis ${axis}`,
        (draw) => ({ x: draw.uniform([3, 5, 2, 4], [-4, 4]) }),
        ({ x }) => operation(x, { axis }),
      ),
    ),
  ),
  define(
    'where',
    (draw) => ({ condition: draw.integers([3, 5], 2), a: draw.uniform([3, 5]), b: draw.uniform([3, 5]) }),
    ({ condition, a, b }) => where(condition, a, b),
  ),
  define(
    'where, all three stretched, the condition a number',
    (draw) => ({ condition: draw.uniform([4, 1, 1]), a: draw.uniform([3, 1]), b: draw.uniform([5]) }),
    ({ condition, a, b }) => where(relu(condition), a, b),
    ['a', 'b'],
  ),
  define(
    'where of a number',
    (draw) => ({ condition: draw.integers([2, 3], 3), b: draw.uniform([4, 2, 3]) }),
    ({ condition, b }) => where(condition, 0.5, b),
  ),
  define(
    'softmaxCrossEntropy',
    (draw) => ({ logits: draw.uniform([9, 10], [-4, 4]), labels: draw.integers([9], 10) }),
    ({ logits, labels }) => softmaxCrossEntropy(logits, labels),
  ),
  define(
    'gather',
    (draw) => ({ data: draw.uniform([7, 3, 2]), at: draw.integers([5], 7) }),
    ({ data, at }) => gather(data, at),
  ),
  define(
    'gather, zeros at -1',
    (draw) => ({ data: draw.uniform([5, 3]), at: { shape: [4], values: Int32Array.of(2, -1, 0, -1) } }),
    ({ data, at }) => gather(data, at),
  ),
  define(
    'gather, scaled',
    (draw) => ({ data: draw.uniform([4, 5]), at: draw.integers([6], 4) }),
    ({ data, at }) => gather(data, at, { scale: 0.25 }),
  ),
  define(
    'gather of labels',
    (draw) => ({ data: draw.integers([9], 10), at: draw.integers([4], 9) }),
    ({ data, at }) => gather(data, at),
  ),
  define(
    'take of the first axis, indices of two axes',
    (draw) => ({ data: draw.uniform([5, 3, 2]), at: { shape: [2, 2], values: Int32Array.of(4, -5, 1, 4) } }),
    ({ data, at }) => take(data, at),
  ),
  define(
    'take of a middle axis, from the end, too',
    (draw) => ({ data: draw.uniform([3, 4, 5]), at: { shape: [3], values: Int32Array.of(-1, 2, -1) } }),
    ({ data, at }) => take(data, at, { axis: 1 }),
  ),
  define(
    'take of the last axis, a single index: the axis is gone',
    (draw) => ({ data: draw.uniform([3, 4]), at: { shape: [], values: Int32Array.of(2) } }),
    ({ data, at }) => take(data, at, { axis: -1 }),
  ),
  define(
    'take beyond the ends gives zeros, and no gradient',
    (draw) => ({ data: draw.uniform([2, 3, 2]), at: { shape: [5], values: Int32Array.of(3, -4, 0, 1000, -3) } }),
    ({ data, at }) => take(data, at, { axis: 1 }),
  ),
  define(
    'take of labels',
    (draw) => ({ data: draw.integers([4, 3], 9), at: { shape: [3], values: Int32Array.of(1, -1, 7) } }),
    ({ data, at }) => take(data, at, { axis: 1 }),
  ),
  define(
    'random',
    () => ({ position: { shape: [1], values: Int32Array.of(17) } }),
    ({ position }) => random(position, [5, 31], 4_000_000_007),
  ),
  define(
    'blendBySegments',
    (draw) => image(draw, [5, 4, 2], 6, 7),
    (given) => blendBySegments(given.image, given.fudged, given.segments, given.masks),
  ),
  define(
    'blendBySegments, more than 32 segments',
    (draw) => image(draw, [9, 8, 1], 70, 5),
    (given) => blendBySegments(given.image, given.fudged, given.segments, given.masks),
  ),
]

/** Numbers that are mostly mean: the digits of a variance are in their differences. */
function normalising(draw: Draw, shape: Shape): Given {
  const channels = shape.slice(-1)
  return { x: draw.uniform(shape, [2, 4]), gamma: draw.uniform(channels, [0.5, 2]), beta: draw.uniform(channels) }
}

const normCases = [
  ...(
    [
      [3, 4, 5, 6],
      [17, 3],
    ] as const
  ).flatMap((shape) => [
    define(
      `batchNorm ${shape} by the batch`,
      (draw) => normalising(draw, shape),
      ({ x, gamma, beta }) => batchNorm(x, { gamma, beta }),
    ),
    define(
      `batchNorm ${shape} by what was learned`,
      (draw) => {
        const moments = {
          mean: draw.uniform(shape.slice(-1), [2, 3]),
          variance: draw.uniform(shape.slice(-1), [0.2, 2]),
        }
        return { ...normalising(draw, shape), ...moments }
      },
      ({ x, gamma, beta, mean, variance }) => batchNorm(x, { gamma, beta, mean, variance, epsilon: 1e-5 }),
    ),
    define(
      `layerNorm ${shape}`,
      (draw) => normalising(draw, shape),
      ({ x, gamma, beta }) => layerNorm(x, { gamma, beta }),
    ),
  ]),
  define(
    'batchNorm without scale and shift',
    (draw) => ({ x: draw.uniform([2, 3, 4, 5]) }),
    ({ x }) => batchNorm(x),
  ),
  ...[1, 2, 6].map((groups) =>
    define(
      `groupNorm of ${groups}`,
      (draw) => normalising(draw, [2, 3, 4, 6]),
      ({ x, gamma, beta }) => groupNorm(x, groups, { gamma, beta }),
    ),
  ),
  define(
    'instanceNorm',
    (draw) => normalising(draw, [3, 4, 5, 2]),
    ({ x, gamma, beta }) => instanceNorm(x, { gamma, beta }),
  ),
  ...[1, 3, 4, 20].map((size) =>
    define(
      `localResponseNorm of ${size}`,
      (draw) => ({ x: draw.uniform([2, 3, 2, 7]) }),
      ({ x }) => localResponseNorm(x, { size, alpha: 0.5, bias: 0.7 }),
    ),
  ),
  define(
    'conv2d + batchNorm + tanh, by the batch',
    (draw) => ({
      x: draw.uniform([3, 6, 5, 2]),
      kernel: draw.uniform([3, 3, 2, 4]),
      gamma: draw.uniform([4], [0.5, 2]),
      beta: draw.uniform([4]),
    }),
    ({ x, kernel, gamma, beta }) => tanh(batchNorm(conv2d(x, kernel, { padding: 'same' }), { gamma, beta })),
  ),
]

const fusionCases = [
  define(
    'conv2d + bias + relu twice, then dense: relu masks inside both gradients',
    (draw) => ({
      x: draw.uniform([3, 6, 5, 2]),
      k1: draw.uniform([3, 3, 2, 8]),
      b1: draw.uniform([8]),
      k2: draw.uniform([3, 3, 8, 5]),
      b2: draw.uniform([5]),
      w: draw.uniform([150, 4]),
      b3: draw.uniform([4]),
      labels: draw.integers([3], 4),
    }),
    (given) => {
      const first = relu(conv2d(given.x, given.k1, { padding: 'same', bias: given.b1 }))
      const second = relu(conv2d(first, given.k2, { padding: 'same', bias: given.b2 }))
      return mean(softmaxCrossEntropy(dense(flatten(second), given.w, given.b3), given.labels))
    },
  ),
  define(
    'dense + relu + dense',
    (draw) => ({
      x: draw.uniform([5, 12]),
      w1: draw.uniform([12, 9]),
      b1: draw.uniform([9]),
      w2: draw.uniform([9, 3]),
    }),
    (given) => matmul(relu(dense(given.x, given.w1, given.b1)), given.w2),
  ),
  define(
    'conv2d that blends while it loads',
    (draw) => ({ ...image(draw, [7, 6, 1], 5, 6), kernel: draw.uniform([3, 3, 1, 6]), bias: draw.uniform([6]) }),
    (given) =>
      relu(
        conv2d(blendBySegments(given.image, given.fudged, given.segments, given.masks), given.kernel, {
          padding: 'same',
          bias: given.bias,
        }),
      ),
  ),
  define(
    'conv2d that blends so much that Winograd would pay',
    (draw) => ({ ...image(draw, [12, 13, 1], 5, 3), kernel: draw.uniform([3, 3, 1, 48]) }),
    (given) =>
      conv2d(blendBySegments(given.image, given.fudged, given.segments, given.masks), given.kernel, {
        padding: 'same',
      }),
    [],
  ),
  ...[
    { channels: 3, filters: 5, strides: 1 },
    { channels: 8, filters: 8, strides: 1 },
    { channels: 4, filters: 6, strides: 2 },
  ].map(({ channels, filters, strides }) =>
    define(
      `a block with batch norms and a shortcut, ${channels} channels to ${filters}, strides ${strides}`,
      (draw) => ({
        x: draw.uniform([3, 8, 7, channels]),
        k1: draw.uniform([3, 3, channels, filters]),
        b1: draw.uniform([filters]),
        s1: draw.uniform([filters]),
        t1: draw.uniform([filters]),
        k2: draw.uniform([3, 3, filters, filters]),
        s2: draw.uniform([filters]),
        t2: draw.uniform([filters]),
        shortcut: draw.uniform([1, 1, channels, filters]),
      }),
      (given) => {
        const first = conv2d(given.x, given.k1, { padding: 'same', strides, bias: given.b1 })
        const middle = relu(add(mul(first, given.s1), given.t1))
        const second = add(mul(conv2d(middle, given.k2, { padding: 'same' }), given.s2), given.t2)
        return relu(add(second, conv2d(given.x, given.shortcut, { padding: 'same', strides })))
      },
      // Its parts' gradients are other cases'.
      [],
    ),
  ),
  define(
    'matmul + gain twice + bias + residual',
    (draw) => ({
      x: draw.uniform([6, 11]),
      w: draw.uniform([11, 7]),
      s1: draw.uniform([7]),
      s2: draw.uniform([7]),
      b: draw.uniform([7]),
      y: draw.uniform([6, 7]),
    }),
    (given) => add(given.y, add(mul(given.s2, mul(matmul(given.x, given.w), given.s1)), given.b)),
    [],
  ),
  ...[
    { filters: 8, strides: 1 },
    { filters: 5, strides: 2 },
  ].map(({ filters, strides }) =>
    define(
      `activations after sums: a block of a mobile network with ${filters} filters, strides ${strides}`,
      (draw) => ({
        x: draw.uniform([2, 6, 7, 8]),
        expand: draw.uniform([3, 3, 8, filters]),
        s1: draw.uniform([filters]),
        t1: draw.uniform([filters]),
        deep: draw.uniform([3, 3, filters, 1]),
        b2: draw.uniform([filters]),
        squeeze: draw.uniform([filters, 4]),
        excite: draw.uniform([4, filters]),
        project: draw.uniform([1, 1, filters, 8]),
      }),
      (given) => {
        const wide = silu(add(mul(conv2d(given.x, given.expand, { padding: 'same' }), given.s1), given.t1))
        const deep = depthwiseConv2d(wide, given.deep, { padding: 'same', strides, bias: given.b2 })
        const bent = mul(deep, hardSigmoid(deep))
        const excited = hardSigmoid(dense(relu6(dense(mean(bent, { axes: [1, 2] }), given.squeeze)), given.excite), {
          alpha: 0.2,
        })
        return leakyRelu(conv2d(mul(bent, reshape(excited, [2, 1, 1, filters])), given.project), { alpha: 0.3 })
      },
      // Its parts' gradients are other cases'.
      [],
    ),
  ),
  define(
    'a convolution whose result is read twice keeps its own sum',
    (draw) => ({ x: draw.uniform([2, 5, 5, 3]), kernel: draw.uniform([3, 3, 3, 4]) }),
    (given) => {
      const y = conv2d(given.x, given.kernel, { padding: 'same' })
      return mul(relu(y), y)
    },
  ),
]

const permutations: readonly (readonly [Shape, readonly number[]])[] = [
  [[], []],
  [[6], [0]],
  [
    [3, 5],
    [1, 0],
  ],
  [
    [2, 3, 4],
    [0, 2, 1],
  ],
  [
    [2, 3, 4],
    [2, 0, 1],
  ],
  [
    [2, 3, 5, 20],
    [0, 3, 1, 2],
  ],
  [
    [2, 5, 3, 20],
    [1, 0, -2, -1],
  ],
  [
    [1, 4, 1, 6],
    [2, 3, 0, 1],
  ],
  [
    [2, 3, 2, 4, 3],
    [4, 1, 3, 0, 2],
  ],
  [
    [2, 0, 3],
    [2, 1, 0],
  ],
]

const sliceCases: readonly (readonly [Shape, SliceOptions])[] = [
  [[], {}],
  [[9], { begin: [2], end: [-1] }],
  [[9], { begin: [-2], end: [-10], steps: [-3] }],
  [[130, 3], { begin: [64], size: [64] }],
  [[130, 3], { begin: [5], size: [64] }],
  [[4, 5], { steps: [-1, 2] }],
  [[1, 4, 70], { begin: [0, 1, 3], end: [1, 100, 40] }],
  [[2, 7, 6, 3], { begin: [0, 1, 5], size: [2, 3, 2], steps: [1, 2, -3] }],
  [[2, 3, 2, 4, 3], { begin: [0, 0, 1, -1], steps: [1, 2, 1, -2, 2] }],
]

const emptySlices: typeof sliceCases = [
  [[5, 3], { begin: [3], end: [3] }],
  [[0, 3], { steps: [-1] }],
]

const padCases: readonly (readonly [Shape, readonly Margin[], PadOptions])[] = [
  [[], [], {}],
  [[4], [[2, 3]], { value: -1.5 }],
  [
    [2, 3, 4, 5],
    [
      [0, 0],
      [1, 2],
      [3, 0],
      [0, 0],
    ],
    {},
  ],
  [
    [5, 6],
    [
      [-1, 2],
      [3, -4],
    ],
    { value: 0.25 },
  ],
  [
    [2, 0, 3],
    [
      [0, 1],
      [2, 1],
      [0, 0],
    ],
    { value: 3 },
  ],
  [[4], [[3, 2]], { mode: 'reflect' }],
  [
    [2, 3, 4, 2],
    [
      [0, 0],
      [2, 1],
      [1, 3],
      [0, 0],
    ],
    { mode: 'reflect' },
  ],
  [
    [1, 3, 4, 2],
    [
      [0, 0],
      [5, 1],
      [-1, 3],
      [0, 0],
    ],
    { mode: 'edge' },
  ],
]

/** Several parts of these shapes, read as x0, x1, … */
function partsOf(draw: Draw, shapes: readonly Shape[]): Given {
  return Object.fromEntries(shapes.map((shape, i) => [`x${i}`, draw.uniform(shape)]))
}

const concatCases: readonly (readonly [readonly Shape[], number])[] = [
  [[[3], [1], [5]], 0],
  [
    [
      [2, 3, 4, 5],
      [2, 3, 4, 17],
    ],
    -1,
  ],
  [
    [
      [2, 3, 4],
      [2, 1, 4],
      [2, 0, 4],
      [2, 20, 4],
    ],
    1,
  ],
  [
    [
      [64, 2],
      [32, 2],
      [1, 2],
    ],
    0,
  ],
  [
    [
      [1, 2, 1, 3, 2],
      [1, 2, 1, 4, 2],
    ],
    -2,
  ],
  // More parts than a dispatch can bind.
  [Array.from({ length: 17 }, (_, i) => [3, 1 + (i % 3)]), 1],
]

// Nothing is not added up: empty results have no gradient to check.
const movementCases = [
  ...permutations.map(([shape, axes]) =>
    define(
      `transpose ${JSON.stringify(shape)} ${JSON.stringify(axes)}`,
      (draw) => ({ x: draw.uniform(shape) }),
      ({ x }) => mul(transpose(x, axes), 2),
      sizeOf(shape) > 0 ? ['x'] : [],
    ),
  ),
  ...sliceCases.map(([shape, options]) =>
    define(
      `slice ${JSON.stringify(shape)} ${JSON.stringify(options)}`,
      (draw) => ({ x: draw.uniform(shape) }),
      ({ x }) => mul(slice(x, options), 2),
    ),
  ),
  ...emptySlices.map(([shape, options]) =>
    define(
      `an empty slice of ${JSON.stringify(shape)} ${JSON.stringify(options)}`,
      (draw) => ({ x: draw.uniform(shape) }),
      ({ x }) => mul(slice(x, options), 2),
      [],
    ),
  ),
  define(
    'concat of an empty slice',
    (draw) => ({ x: draw.uniform([3, 2]) }),
    ({ x }) => concat([slice(x, { size: [0], steps: [-2] }), x, slice(x, { size: [0] })], { axis: 0 }),
  ),
  ...padCases.map(([shape, margins, options]) =>
    define(
      `pad ${JSON.stringify(shape)} ${JSON.stringify(margins)} ${JSON.stringify(options)}`,
      (draw) => ({ x: draw.uniform(shape) }),
      ({ x }) => pad(x, margins, options),
    ),
  ),
  ...concatCases.map(([shapes, axis]) =>
    define(
      `concat ${shapes.length === 17 ? '17 parts' : JSON.stringify(shapes)} ${axis}`,
      (draw) => partsOf(draw, shapes),
      (given) => concat(Object.values(given).map(relu), { axis }),
    ),
  ),
  define(
    'concat of one part twice, and of another read elsewhere, too',
    (draw) => ({ x: draw.uniform([64, 3]), z: draw.uniform([64, 3]) }),
    ({ x, z }) => mul(concat([relu(x), tanh(z), relu(x), z], { axis: 0 }), sum(tanh(z))),
  ),
  define(
    'transpose, slice, pad and concat of whole numbers',
    (draw) => ({ at: draw.integers([4, 5], 100) }),
    ({ at }) => {
      const moved = slice(
        pad(
          transpose(at),
          [
            [1, 1],
            [0, 2],
          ],
          { value: -7 },
        ),
        { begin: [0, -1], steps: [2, -2] },
      )
      return concat([moved, moved], { axis: 1 })
    },
    [],
  ),
  define(
    'stack and split',
    (draw) =>
      partsOf(draw, [
        [3, 4],
        [3, 4],
      ]),
    ({ x0, x1 }) => {
      const [first, second, third] = split(stack([x0, x1], { axis: -1 }), [1, 2, 1], { axis: 1 })
      return add(mul(second, first), third)
    },
  ),
  define(
    'squeeze, expandDims and expand',
    (draw) => ({ x: draw.uniform([1, 3, 1, 2]) }),
    ({ x }) => mul(expand(expandDims(squeeze(x, { axes: [0, -2] }), -1), [4, 1, 1, 5]), 2),
  ),
]

export const operationCases: readonly OperationCase[] = [
  ...unaryCases,
  ...parameterCases,
  ...binaryCases,
  ...convCases,
  ...otherConvCases,
  ...depthwiseCases,
  ...transposedCases,
  ...convGradientCases,
  ...matmulCases,
  ...batchedMatmulCases,
  ...poolCases,
  ...paddedPoolCases,
  ...resizeCases,
  ...reduceCases,
  ...otherCases,
  ...movementCases,
  ...normCases,
  ...fusionCases,
]

/** So few cases that each operation is tried, its gradients' too. */
export function oneCaseOfEachOperation(): readonly OperationCase[] {
  const tried = new Set<string>()
  return operationCases.filter((problem) => {
    const kernels = trace(caseGraph(problem).graph).steps.map(({ kernel }) => kernel)
    const isNew = kernels.some((kernel) => !tried.has(kernel))
    for (const kernel of kernels) tried.add(kernel)
    return isNew
  })
}

/** The case's graph: its result `y`, and under `d.<input>` the gradient of Σ y · dy for a fixed random dy. */
export function caseGraph(problem: OperationCase): { graph: Graph; inputs: Record<string, HostArray> } {
  const tensors = Object.fromEntries(
    Object.entries(problem.inputs).map(([name, { shape, values }]) => [
      name,
      new Input(name, shape, values instanceof Int32Array ? 'i32' : 'f32'),
    ]),
  )
  const values = Object.fromEntries(Object.entries(problem.inputs).map(([name, given]) => [name, given.values]))
  const y = problem.build(tensors)
  if (problem.differentiable.length === 0) return { graph: { outputs: { y } }, inputs: values }
  const upstream = new Draw(`${problem.name}, upstream`).uniform(y.shape)
  const total = sum(mul(y, new Input('upstream', y.shape)))
  const wanted = problem.differentiable.map((name) => tensors[name])
  const slopes = gradients(total, wanted)
  const named = Object.fromEntries(problem.differentiable.map((name, i) => [`d.${name}`, slopes[i]]))
  return { graph: { outputs: { y, total, ...named } }, inputs: { ...values, upstream: upstream.values } }
}

/** Largest difference, relative to the largest expected number. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  let difference = 0
  let scale = 1e-30
  for (let i = 0; i < expected.length; i++) {
    if (!Number.isFinite(actual[i])) return Number.POSITIVE_INFINITY
    difference = Math.max(difference, Math.abs(actual[i] - expected[i]))
    scale = Math.max(scale, Math.abs(expected[i]))
  }
  return difference / scale
}
