import seedrandom from 'seedrandom'
import {
  activation,
  add,
  averagePooling2d,
  batchNormalization,
  concatenate,
  conv2d,
  dense,
  depthwiseConv2d,
  globalAveragePooling2d,
  input,
  layerNormalization,
  maxPooling2d,
  model,
  type SymbolicTensor,
  separableConv2d,
} from '../../../../src/engine/index.ts'
import type { Network } from '../../../../src/engine/model/network.ts'
import { ops } from '../../../../src/engine/ops/public.ts'
import { constant, Input, Resident, type Shape, sizeOf, type Tensor } from '../../../../src/engine/tensor.ts'

/** Networks of few operations: each of the operations that a file can be written of, and some put together at random. */

export interface WrittenCase {
  readonly name: string
  readonly network: Network
}

type Build = (x: Tensor, weight: (shape: Shape) => Tensor) => Tensor

/** A network of what a function builds; its weights are drawn by its name. */
export function networkOf(name: string, shape: Shape, build: Build): Network {
  const random = seedrandom(name)
  const parameters: { name: string; shape: Shape; data: Float32Array<ArrayBuffer>; trainable: boolean }[] = []
  const learn = (wanted: Shape) => {
    const data = Float32Array.from({ length: sizeOf(wanted) }, () => random() * 2 - 1)
    parameters.push({ name: `w${parameters.length}`, shape: wanted, data, trainable: true })
    return new Resident(`w${parameters.length - 1}`, 0, wanted)
  }
  const output = build(new Input('x', [1, ...shape]), learn)
  return {
    inputs: [{ name: 'x', shape }],
    outputs: [{ name: 'y', shape: output.shape.slice(1) }],
    parameters,
    apply([x], weights) {
      let next = 0
      return { outputs: [build(x, () => weights[next++])], updates: [] }
    },
  }
}

const image = [6, 7, 4]
const unary = [
  'neg',
  'exp',
  'abs',
  'sign',
  'relu',
  'sigmoid',
  'tanh',
  'floor',
  'ceil',
  'round',
  'sin',
  'cos',
  'erf',
  'softplus',
  'hardSwish',
  'hardSigmoid',
  'leakyRelu',
  'elu',
  'selu',
  'square',
  'silu',
  'mish',
  'gelu',
  'relu6',
  'step',
  'not',
] as const
const binary = [
  'add',
  'sub',
  'mul',
  'div',
  'maximum',
  'minimum',
  'prelu',
  'greaterEqual',
  'greater',
  'less',
  'lessEqual',
  'equal',
  'notEqual',
  'and',
  'or',
  'xor',
] as const

/** Behind a convolution, whose result lies as NCHW in the file. */
const behindConvolution =
  (build: Build): Build =>
  (x, weight) =>
    build(ops.conv2d(x, weight([3, 3, 4, 4]), { padding: 'same' }), weight)

const single: Readonly<Record<string, Build>> = {
  ...Object.fromEntries(unary.map((name) => [name, behindConvolution((x) => ops[name](x))])),
  ...Object.fromEntries(
    binary.map((name) => [`${name} a channel`, behindConvolution((x, weight) => ops[name](x, weight([4])))]),
  ),
  ...Object.fromEntries(
    binary.map((name) => [`${name} of two`, behindConvolution((x) => ops[name](x, ops.add(ops.square(x), 0.5)))]),
  ),
  'log, sqrt, rsqrt, pow': (x) => {
    const above = ops.add(ops.square(x), 0.1)
    return ops.add(
      ops.add(ops.log(above), ops.sqrt(above)),
      ops.add(ops.mul(ops.rsqrt(above), ops.reciprocal(above)), ops.pow(above, 1.7)),
    )
  },
  'gelu by tanh': (x) => ops.gelu(x, { approximate: true }),
  clip: (x) => ops.clip(x, { min: -0.2, max: 0.3 }),
  where: behindConvolution((x) => ops.where(ops.greater(x, 0), x, ops.mul(x, -2))),
  'conv2d, strides and same': (x, weight) =>
    ops.conv2d(x, weight([3, 3, 4, 6]), { strides: 2, padding: 'same', bias: weight([6]) }),
  'conv2d, groups and dilation': (x, weight) =>
    ops.conv2d(x, weight([2, 3, 2, 6]), {
      groups: 2,
      dilation: [2, 1],
      padding: [
        [1, 0],
        [0, 2],
      ],
    }),
  'conv2d, strides that leave pixels': (x, weight) => ops.conv2d(x, weight([2, 2, 4, 3]), { strides: 3 }),
  depthwiseConv2d: (x, weight) => ops.depthwiseConv2d(x, weight([3, 3, 4, 2]), { padding: 'same', strides: 2 }),
  'conv2dTranspose, same': (x, weight) => ops.conv2dTranspose(x, weight([3, 3, 5, 4]), { strides: 2, padding: 'same' }),
  'conv2dTranspose, valid': (x, weight) => ops.conv2dTranspose(x, weight([2, 2, 5, 4]), { strides: 3 }),
  'conv2dTranspose, groups': (x, weight) =>
    ops.conv2dTranspose(x, weight([3, 3, 3, 4]), { groups: 2, padding: 1, strides: 2, outputPadding: 1 }),
  'conv2dTranspose, each channel': (x, weight) => ops.conv2dTranspose(x, weight([3, 3, 1, 4]), { groups: 4 }),
  maxPool: behindConvolution((x) => ops.maxPool(x, { poolSize: 3, strides: 2, padding: 'same' })),
  'maxPool, ceil and dilation': (x) =>
    ops.maxPool(x, { poolSize: 2, strides: 2, dilation: 2, padding: 1, ceilMode: true }),
  avgPool: (x) => ops.avgPool(x, { poolSize: 3, strides: 2, padding: 'same' }),
  'avgPool, padding counted': (x) => ops.avgPool(x, { poolSize: 3, strides: 1, padding: 1, countIncludePad: true }),
  globalAveragePool: behindConvolution((x) => ops.globalAveragePool(x)),
  'globalMaxPool, dense': behindConvolution((x, weight) =>
    ops.dense(ops.globalMaxPool(x), weight([4, 3]), weight([3])),
  ),
  'flatten, dense': behindConvolution((x, weight) => ops.dense(ops.flatten(x), weight([6 * 7 * 4, 3]))),
  batchNorm: behindConvolution((x, weight) =>
    ops.batchNorm(x, { mean: weight([4]), variance: ops.square(weight([4])), gamma: weight([4]), beta: weight([4]) }),
  ),
  layerNorm: (x, weight) => ops.layerNorm(x, { gamma: weight([4]), beta: weight([4]) }),
  groupNorm: behindConvolution((x, weight) => ops.groupNorm(x, 2, { gamma: weight([4]), beta: weight([4]) })),
  instanceNorm: behindConvolution((x) => ops.instanceNorm(x)),
  localResponseNorm: behindConvolution((x) => ops.localResponseNorm(x, { size: 3 })),
  softmax: behindConvolution((x) => ops.softmax(x)),
  'logSoftmax, of rows': behindConvolution((x) => ops.logSoftmax(x, { axis: 1 })),
  reductions: behindConvolution((x) =>
    ops.concat(
      [
        ops.max(x, { axes: [1, 2] }),
        ops.min(x, { axes: [1, 2] }),
        ops.l2(x, { axes: [1, 2] }),
        ops.sum(x, { axes: [1, 3] }),
        ops.product(x, { axes: [1, 2] }),
      ],
      { axis: 1 },
    ),
  ),
  'matmul, both ways round': (x, weight) => {
    const rows = ops.reshape(x, [x.shape[0], 42, 4])
    const scores = ops.matmul(rows, rows, { transposeB: true })
    return ops.matmul(ops.matmul(scores, rows, { transposeA: true }), weight([5, 4]), { transposeB: true })
  },
  'transpose and reshape': behindConvolution((x) => ops.reshape(ops.transpose(x, [0, 3, 1, 2]), [x.shape[0], 4, 42])),
  'concat, split, stack': behindConvolution((x) => {
    const [a, b] = ops.split(x, 2, { axis: 3 })
    return ops.stack([ops.concat([b, a], { axis: 3 }), x], { axis: 1 })
  }),
  'slice with steps, also backwards': behindConvolution((x) =>
    ops.slice(x, { begin: [0, 5, 1, 0], end: [x.shape[0], 0, 7, 4], steps: [1, -2, 2, 1] }),
  ),
  'slice backwards to the first': (x) => ops.slice(x, { steps: [1, -1, 1, -1] }),
  pad: behindConvolution((x) =>
    ops.pad(
      x,
      [
        [0, 0],
        [1, 2],
        [0, 1],
        [0, 0],
      ],
      { value: 0.5 },
    ),
  ),
  'pad by mirroring': (x) =>
    ops.pad(
      x,
      [
        [0, 0],
        [2, 1],
        [1, 0],
        [0, 0],
      ],
      { mode: 'reflect' },
    ),
  'resize, nearest': behindConvolution((x) => ops.resize(x, { size: [9, 5], mode: 'nearest' })),
  'resize, bilinear': (x) => ops.resize(x, { size: [4, 13], mode: 'bilinear' }),
  take: (x) => ops.take(x, constant([2, 0, -1], [3], 'i32'), { axis: 3 }),
  'a class token, stretched over the batch': (x, weight) =>
    ops.concat([ops.broadcastTo(weight([1, 1, 4]), [x.shape[0], 1, 4]), ops.reshape(x, [x.shape[0], 42, 4])], {
      axis: 1,
    }),
  'a class token of numbers, the same for each sample': (x) => {
    const tokens = Array.from({ length: 4 * x.shape[0] }, (_, i) => [1, -2, 0.5, 3][i % 4])
    return ops.concat([constant(tokens, [x.shape[0], 1, 4]), ops.reshape(x, [x.shape[0], 42, 4])], { axis: 1 })
  },
  'one number for a whole batch, put beside it and summed': (x) => {
    const sum = ops.sum(constant(0.5, [x.shape[0], 6, 7, 1]), { axes: [1, 2], keepDims: true })
    return ops.concat([ops.add(x, sum), constant(2, [x.shape[0], 6, 7, 3])], { axis: 3 })
  },
}

export const writtenCases: readonly WrittenCase[] = Object.entries(single).map(([name, build]) => ({
  name,
  network: networkOf(name, image, build),
}))

/** A network of layers put together at random: convolutions of all kinds, norms, branches that are added or stand side by side. */
export function randomNetwork(seed: number): Network {
  const random = seedrandom(`network ${seed}`)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]
  const image = input({ shape: [12, 11, 3] })
  let x = image.through(conv2d({ filters: 8, kernelSize: 3, padding: 'same' }))
  for (let left = 8; left > 0; left--) {
    const filters = x.shape[2]
    const same = (): SymbolicTensor =>
      pick([
        () =>
          x.through(
            conv2d({ filters, kernelSize: pick([1, 3]), padding: 'same', activation: pick(['relu', 'silu', 'gelu']) }),
          ),
        () => x.through(depthwiseConv2d({ kernelSize: pick([3, 5]), padding: 'same' }), batchNormalization()),
        () => x.through(separableConv2d({ filters, kernelSize: 3, padding: 'same', activation: 'hardSwish' })),
        () => x.through(batchNormalization(), activation(pick(['elu', 'leakyRelu', 'softplus']))),
      ])()
    x = pick([
      same,
      () => add([x, same()]),
      () => concatenate([same(), x.through(conv2d({ filters: 4, kernelSize: 1 }))]),
      () => x.through(pick([maxPooling2d, averagePooling2d])({ poolSize: 2, strides: 1, padding: 'same' })),
      () => x.through(layerNormalization()),
    ])()
  }
  const outputs = x.through(globalAveragePooling2d(), dense({ units: 5, activation: 'softmax' }))
  const { network } = model({ inputs: image, outputs, seed })
  // Batch norms that have seen nothing change nothing: as if they had.
  for (const { name, data } of network.parameters)
    if (/moving|gamma|beta/.test(name)) for (let i = 0; i < data.length; i++) data[i] = 0.5 + random()
  return network
}
