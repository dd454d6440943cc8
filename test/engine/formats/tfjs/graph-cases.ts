/**
 * Small TensorFlow.js graph models of one operator each, which takes x and constants. What
 * TensorFlow.js 4.22 (its plain CPU backend) answers stands in graph-cases.json, by the cases' names.
 */
export interface GraphCase {
  readonly name: string
  readonly op: string
  /** Of x, with its batch. */
  readonly x: readonly number[]
  /** The operator's, in order. */
  readonly inputs: readonly ('x' | Constant)[]
  readonly attributes?: Readonly<Record<string, unknown>>
  /** Of the outputs which; the first unless given. */
  readonly output?: number
}

export interface Constant {
  readonly shape: readonly number[]
  readonly dtype: 'float32' | 'int32' | 'bool'
  readonly data: readonly number[]
}

/** Numbers between -2 and 2 that come again. */
export function numbers(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => (((i + 1) * (7919 + 104_729 * seed)) % 4001) / 1000 - 2)
}

const size = (shape: readonly number[]) => shape.reduce((all, extent) => all * extent, 1)
const random = (seed: number, ...shape: number[]): Constant => ({
  shape,
  dtype: 'float32',
  data: numbers(size(shape), seed),
})
const floats = (...data: number[]): Constant => ({ shape: [data.length], dtype: 'float32', data })
const whole = (...data: number[]): Constant => ({ shape: [data.length], dtype: 'int32', data })
const one = (value: number, dtype: Constant['dtype'] = 'int32'): Constant => ({ shape: [], dtype, data: [value] })
const above = ({ shape, data }: Constant): Constant => ({
  shape,
  dtype: 'float32',
  data: data.map((value) => Math.abs(value) + 0.1),
})

const text = (value: string) => ({ s: btoa(value) })
const texts = (...values: string[]) => ({ list: { s: values.map((value) => btoa(value)) } })
const integers = (...values: number[]) => ({ list: { i: values.map(String) } })
const integer = (value: number) => ({ i: String(value) })
const real = (value: number) => ({ f: value })
const flag = (value: boolean) => ({ b: value })
const type = (value: string) => ({ type: value })

const image = [2, 6, 5, 4]
const vector = [2, 5]
const window = (padding: string, stride = 1, dilation = 1) => ({
  strides: integers(1, stride, stride, 1),
  dilations: integers(1, dilation, dilation, 1),
  padding: text(padding),
  data_format: text('NHWC'),
})

const unary = (op: string, attributes = {}): GraphCase => ({ name: op, op, x: vector, inputs: ['x'], attributes })
const binary = (op: string, other = random(2, 5)): GraphCase => ({
  name: op,
  op,
  x: vector,
  inputs: ['x', other],
})
const reduced = (op: string): readonly GraphCase[] => [
  {
    name: `${op} over rows and columns`,
    op,
    x: image,
    inputs: ['x', whole(1, 2)],
    attributes: { keep_dims: flag(false) },
  },
  { name: `${op} over channels, kept`, op, x: image, inputs: ['x', one(-1)], attributes: { keep_dims: flag(true) } },
]
const pooled = (op: string): readonly GraphCase[] =>
  ['SAME', 'VALID'].map((padding) => ({
    name: `${op} ${padding}`,
    op,
    x: image,
    inputs: ['x'],
    attributes: { ...window(padding, 2), ksize: integers(1, 3, 2, 1) },
  }))

export const graphCases: readonly GraphCase[] = [
  ...[
    'Abs',
    'Ceil',
    'Cos',
    'Elu',
    'Erf',
    'Exp',
    'Expm1',
    'Floor',
    'Neg',
    'Relu',
    'Relu6',
    'Round',
    'Selu',
    'Sigmoid',
    'Sign',
    'Sin',
    'Softplus',
    'Square',
    'Tanh',
    'Softmax',
    'LogSoftmax',
    'ZerosLike',
    'OnesLike',
    'Identity',
    'Reciprocal',
  ].map((op) => unary(op)),
  unary('LeakyRelu', { alpha: real(0.3) }),
  {
    name: 'Cast to whole numbers',
    op: 'Cast',
    x: vector,
    inputs: ['x'],
    attributes: { SrcT: type('DT_FLOAT'), DstT: type('DT_INT32') },
  },
  { name: 'Prelu', op: 'Prelu', x: image, inputs: ['x', random(3, 4)] },
  ...['Add', 'AddV2', 'Maximum', 'Minimum', 'Mul', 'SquaredDifference', 'Sub'].map((op) => binary(op)),
  ...['RealDiv', 'FloorDiv', 'FloorMod', 'Pow'].map((op) => binary(op, above(random(2, 5)))),
  ...['Greater', 'GreaterEqual', 'Less', 'LessEqual', 'Equal', 'NotEqual'].map((op) =>
    binary(op, floats(-1, 0, 0.5, 1, 0)),
  ),
  { name: 'DivNoNan', op: 'DivNoNan', x: vector, inputs: ['x', floats(0, 1, -2, 0, 4)] },
  { name: 'Sub from a constant', op: 'Sub', x: image, inputs: [random(3, 4), 'x'] },
  {
    name: 'AddN',
    op: 'AddN',
    x: [1, 5],
    inputs: ['x', random(3, 1, 5), random(4, 1, 5)],
    attributes: { N: integer(3) },
  },
  { name: 'ClipByValue', op: 'ClipByValue', x: vector, inputs: ['x', one(-0.5, 'float32'), one(0.75, 'float32')] },
  {
    name: 'Select',
    op: 'Select',
    x: [1, 2],
    inputs: [{ shape: [1, 2], dtype: 'bool', data: [1, 0] }, 'x', random(2, 1, 2)],
  },
  {
    name: 'SelectV2',
    op: 'SelectV2',
    x: [2, 2],
    inputs: [{ shape: [2], dtype: 'bool', data: [1, 0] }, 'x', one(9, 'float32')],
  },

  { name: 'Conv2D SAME', op: 'Conv2D', x: image, inputs: ['x', random(1, 3, 2, 4, 3)], attributes: window('SAME', 2) },
  {
    name: 'Conv2D VALID, dilated',
    op: 'Conv2D',
    x: image,
    inputs: ['x', random(1, 2, 2, 4, 3)],
    attributes: window('VALID', 1, 2),
  },
  {
    name: 'Conv2D EXPLICIT',
    op: 'Conv2D',
    x: image,
    inputs: ['x', random(1, 3, 3, 4, 2)],
    attributes: { ...window('EXPLICIT'), explicit_paddings: integers(0, 0, 1, 2, 0, 1, 0, 0) },
  },
  {
    name: 'DepthwiseConv2dNative',
    op: 'DepthwiseConv2dNative',
    x: image,
    inputs: ['x', random(1, 3, 3, 4, 2)],
    attributes: window('SAME', 2),
  },
  {
    name: 'DepthwiseConv2dNative dilated',
    op: 'DepthwiseConv2dNative',
    x: image,
    inputs: ['x', random(1, 2, 2, 4, 1)],
    attributes: window('SAME', 1, 2),
  },
  {
    name: '_FusedConv2D with bias and relu',
    op: '_FusedConv2D',
    x: image,
    inputs: ['x', random(1, 3, 3, 4, 3), random(2, 3)],
    attributes: { ...window('SAME'), num_args: integer(1), fused_ops: texts('BiasAdd', 'Relu') },
  },
  {
    name: '_FusedConv2D with bias and leaky relu',
    op: '_FusedConv2D',
    x: image,
    inputs: ['x', random(1, 3, 3, 4, 3), random(2, 3)],
    attributes: {
      ...window('VALID'),
      num_args: integer(1),
      fused_ops: texts('BiasAdd', 'LeakyRelu'),
      leakyrelu_alpha: real(0.3),
    },
  },
  {
    name: '_FusedConv2D with bias and prelu',
    op: '_FusedConv2D',
    x: image,
    inputs: ['x', random(1, 1, 1, 4, 3), random(2, 3), random(5, 3)],
    attributes: { ...window('SAME'), num_args: integer(2), fused_ops: texts('BiasAdd', 'Prelu') },
  },
  {
    name: 'FusedDepthwiseConv2dNative with relu6',
    op: 'FusedDepthwiseConv2dNative',
    x: image,
    inputs: ['x', random(1, 3, 3, 4, 1), random(2, 4)],
    attributes: { ...window('SAME', 2), num_args: integer(1), fused_ops: texts('BiasAdd', 'Relu6') },
  },
  {
    name: 'Conv2DBackpropInput SAME',
    op: 'Conv2DBackpropInput',
    x: [2, 3, 3, 4],
    inputs: [whole(2, 6, 5, 3), random(1, 3, 3, 3, 4), 'x'],
    attributes: window('SAME', 2),
  },
  {
    name: 'Conv2DBackpropInput VALID',
    op: 'Conv2DBackpropInput',
    x: [2, 2, 2, 4],
    inputs: [whole(2, 6, 5, 3), random(1, 3, 3, 3, 4), 'x'],
    attributes: window('VALID', 2),
  },
  {
    name: 'FusedBatchNormV3',
    op: 'FusedBatchNormV3',
    x: image,
    inputs: ['x', random(1, 4), random(2, 4), random(3, 4), above(random(4, 4))],
    attributes: { epsilon: real(0.01), is_training: flag(false), data_format: text('NHWC') },
  },
  { name: 'BiasAdd', op: 'BiasAdd', x: image, inputs: ['x', random(1, 4)], attributes: { data_format: text('NHWC') } },
  ...pooled('AvgPool'),
  ...pooled('MaxPool'),
  {
    name: 'LRN',
    op: 'LRN',
    x: image,
    inputs: ['x'],
    attributes: { depth_radius: integer(1), bias: real(2), alpha: real(0.5), beta: real(0.75) },
  },

  {
    name: 'MatMul',
    op: 'MatMul',
    x: vector,
    inputs: ['x', random(1, 5, 3)],
    attributes: { transpose_a: flag(false), transpose_b: flag(false) },
  },
  {
    name: 'MatMul transposed',
    op: 'MatMul',
    x: vector,
    inputs: ['x', random(1, 3, 5)],
    attributes: { transpose_a: flag(false), transpose_b: flag(true) },
  },
  {
    name: '_FusedMatMul',
    op: '_FusedMatMul',
    x: vector,
    inputs: ['x', random(1, 5, 3), random(2, 3)],
    attributes: {
      transpose_a: flag(false),
      transpose_b: flag(false),
      num_args: integer(1),
      fused_ops: texts('BiasAdd', 'Elu'),
    },
  },
  {
    name: 'BatchMatMulV2',
    op: 'BatchMatMulV2',
    x: [2, 3, 4],
    inputs: ['x', random(1, 1, 5, 4)],
    attributes: { adj_x: flag(false), adj_y: flag(true) },
  },

  ...['Max', 'Mean', 'Min', 'Prod', 'Sum'].flatMap(reduced),
  { name: 'ArgMax', op: 'ArgMax', x: vector, inputs: ['x', one(1)] },
  { name: 'ArgMin', op: 'ArgMin', x: image, inputs: ['x', one(2)] },

  {
    name: 'ResizeBilinear',
    op: 'ResizeBilinear',
    x: image,
    inputs: ['x', whole(9, 4)],
    attributes: { align_corners: flag(false), half_pixel_centers: flag(false) },
  },
  {
    name: 'ResizeBilinear by centres',
    op: 'ResizeBilinear',
    x: image,
    inputs: ['x', whole(9, 4)],
    attributes: { align_corners: flag(false), half_pixel_centers: flag(true) },
  },
  {
    name: 'ResizeBilinear by corners',
    op: 'ResizeBilinear',
    x: image,
    inputs: ['x', whole(9, 4)],
    attributes: { align_corners: flag(true), half_pixel_centers: flag(false) },
  },
  {
    name: 'ResizeNearestNeighbor',
    op: 'ResizeNearestNeighbor',
    x: image,
    inputs: ['x', whole(9, 4)],
    attributes: { align_corners: flag(false), half_pixel_centers: flag(false) },
  },
  {
    name: 'ResizeNearestNeighbor by corners',
    op: 'ResizeNearestNeighbor',
    x: image,
    inputs: ['x', whole(9, 3)],
    attributes: { align_corners: flag(true), half_pixel_centers: flag(false) },
  },
  {
    name: 'DepthToSpace',
    op: 'DepthToSpace',
    x: image,
    inputs: ['x'],
    attributes: { block_size: integer(2), data_format: text('NHWC') },
  },

  { name: 'Reshape', op: 'Reshape', x: image, inputs: ['x', whole(-1, 30, 4)] },
  { name: 'Squeeze', op: 'Squeeze', x: [2, 1, 1, 3], inputs: ['x'], attributes: { squeeze_dims: integers(1, -2) } },
  { name: 'ExpandDims', op: 'ExpandDims', x: vector, inputs: ['x', one(-1)] },
  { name: 'Transpose', op: 'Transpose', x: image, inputs: ['x', whole(0, 3, 1, 2)] },
  {
    name: 'ConcatV2',
    op: 'ConcatV2',
    x: [1, 5],
    inputs: ['x', random(1, 1, 2), one(-1)],
    attributes: { N: integer(2) },
  },
  {
    name: 'Pack',
    op: 'Pack',
    x: [1, 5],
    inputs: ['x', random(1, 1, 5)],
    attributes: { axis: integer(1), N: integer(2) },
  },
  {
    name: 'Unpack',
    op: 'Unpack',
    x: [2, 3, 4],
    inputs: ['x'],
    attributes: { axis: integer(1), num: integer(3) },
    output: 2,
  },
  { name: 'Split', op: 'Split', x: image, inputs: [one(3), 'x'], attributes: { num_split: integer(2) }, output: 1 },
  {
    name: 'SplitV',
    op: 'SplitV',
    x: image,
    inputs: ['x', whole(1, 3, 2), one(1)],
    attributes: { num_split: integer(3) },
    output: 1,
  },
  { name: 'Slice', op: 'Slice', x: image, inputs: ['x', whole(0, 1, 2, 0), whole(-1, 4, -1, 3)] },
  {
    name: 'StridedSlice',
    op: 'StridedSlice',
    x: image,
    inputs: ['x', whole(0, -1, 1, 0), whole(0, 0, 5, 2), whole(1, -2, 2, 1)],
    attributes: {
      begin_mask: integer(1),
      end_mask: integer(1),
      ellipsis_mask: integer(0),
      new_axis_mask: integer(0),
      shrink_axis_mask: integer(0),
    },
  },
  {
    name: 'StridedSlice of one, with a new axis',
    op: 'StridedSlice',
    x: image,
    inputs: ['x', whole(0, 0, 0, -1), whole(0, 0, 0, 0), whole(1, 1, 1, 1)],
    attributes: {
      begin_mask: integer(1),
      end_mask: integer(1),
      ellipsis_mask: integer(2),
      new_axis_mask: integer(4),
      shrink_axis_mask: integer(8),
    },
  },
  {
    name: 'Pad',
    op: 'Pad',
    x: image,
    inputs: ['x', { shape: [4, 2], dtype: 'int32', data: [0, 0, 1, 2, 0, 1, 0, 0] }],
  },
  {
    name: 'PadV2',
    op: 'PadV2',
    x: vector,
    inputs: ['x', { shape: [2, 2], dtype: 'int32', data: [0, 0, 2, 1] }, one(7, 'float32')],
  },
  {
    name: 'MirrorPad',
    op: 'MirrorPad',
    x: image,
    inputs: ['x', { shape: [4, 2], dtype: 'int32', data: [0, 0, 1, 2, 2, 1, 0, 0] }],
    attributes: { mode: text('REFLECT') },
  },
  {
    name: 'MirrorPad with the edge',
    op: 'MirrorPad',
    x: image,
    inputs: ['x', { shape: [4, 2], dtype: 'int32', data: [0, 0, 1, 2, 2, 1, 0, 0] }],
    attributes: { mode: text('SYMMETRIC') },
  },
  { name: 'GatherV2', op: 'GatherV2', x: image, inputs: ['x', whole(3, 0, 3), one(3)] },
  { name: 'Tile', op: 'Tile', x: [2, 2, 3], inputs: ['x', whole(1, 3, 2)] },
  { name: 'BroadcastTo', op: 'BroadcastTo', x: [1, 1, 3], inputs: ['x', whole(1, 4, 3)] },
  { name: 'ReverseV2', op: 'ReverseV2', x: image, inputs: ['x', whole(1, 3)] },
]

/** model.json and its weights, as files lie in a folder. */
export function graphModel({ op, x, inputs, attributes = {}, output = 0 }: GraphCase) {
  const constants = inputs.flatMap((input, i) => (input === 'x' ? [] : [{ name: `c${i}`, ...input }]))
  const dims = (shape: readonly number[]) => ({ dim: shape.map((extent) => ({ size: String(extent) })) })
  const node = [
    { name: 'x', op: 'Placeholder', attr: { dtype: type('DT_FLOAT'), shape: { shape: dims([-1, ...x.slice(1)]) } } },
    ...constants.map(({ name }) => ({ name, op: 'Const', attr: { dtype: type('DT_FLOAT') } })),
    { name: 'y', op, input: inputs.map((input, i) => (input === 'x' ? 'x' : `c${i}`)), attr: attributes },
    { name: 'z', op: 'Identity', input: [output === 0 ? 'y' : `y:${output}`], attr: {} },
  ]
  const weights = constants.map(({ name, shape, dtype }) => ({ name, shape, dtype }))
  const bytes = constants.flatMap(({ dtype, data }) => {
    const array =
      dtype === 'float32' ? Float32Array.from(data) : dtype === 'int32' ? Int32Array.from(data) : Uint8Array.from(data)
    return [...new Uint8Array(array.buffer)]
  })
  return {
    json: {
      format: 'graph-model',
      modelTopology: { node, versions: { producer: 175 } },
      weightsManifest: [{ paths: ['weights'], weights }],
    },
    weights: Uint8Array.from(bytes),
  }
}
