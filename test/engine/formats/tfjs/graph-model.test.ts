import { expect, it } from 'vitest'
import { FormatError, loadModel, UnsupportedModelError } from '../../../../src/engine/index.ts'

const dims = (...extents: number[]) => ({ dim: extents.map((size) => ({ size: String(size) })) })
const placeholder = {
  name: 'x',
  op: 'Placeholder',
  attr: { shape: { shape: dims(-1, 4, 4, 3) }, dtype: { type: 'DT_FLOAT' } },
}
const pool = (name: string, ...input: string[]) => ({ name, op: 'Mean', input: [...input, 'axes'], attr: {} })
const axes = { name: 'axes', op: 'Const', input: [], attr: {} }
const weights = [{ name: 'axes', shape: [2], dtype: 'int32' }]

function folder(node: readonly object[], more: object = {}, entries: readonly object[] = weights) {
  const json = {
    format: 'graph-model',
    modelTopology: { node },
    weightsManifest: [{ paths: ['w'], weights: entries }],
    ...more,
  }
  return new Map([
    ['model.json', new TextEncoder().encode(JSON.stringify(json))],
    ['w', new Uint8Array(Int32Array.of(1, 2).buffer)],
  ])
}

it('a graph without a signature takes its placeholders and gives what no node needs', async () => {
  const model = await loadModel(
    folder([placeholder, axes, pool('y', 'x'), { name: 'p', op: 'Softmax', input: ['y:0', '^x'] }]),
  )
  expect(model.network.inputs).toEqual([{ name: 'x', shape: [4, 4, 3] }])
  expect(model.network.outputs).toEqual([{ name: 'p', shape: [3] }])
  expect(model.images.output?.value).toBe('probabilities')
  expect(model.origin?.format).toBe('TensorFlow.js graph model')
})

it('a signature says which tensors leave, and how large the images are where the graph leaves that open', async () => {
  const open = { ...placeholder, attr: { ...placeholder.attr, shape: { shape: { unknownRank: true } } } }
  const signature = {
    inputs: { image: { name: 'x:0', tensorShape: dims(-1, 6, 6, 1) } },
    outputs: { mean: { name: 'y:0', tensorShape: dims(-1, 1) } },
  }
  const nodes = [open, axes, pool('y', 'x'), { name: 'unused', op: 'NobodyKnows', input: ['y'] }]
  const model = await loadModel(folder(nodes, { signature }))
  expect(model.network.inputs[0].shape).toEqual([6, 6, 1])
  expect(model.network.outputs).toEqual([{ name: 'y', shape: [1] }])
})

it('all nodes that can not be run are told at once, constants that are no numbers among them', async () => {
  const nodes = [
    placeholder,
    { name: 'words', op: 'Const' },
    { name: 'v', op: 'VarHandleOp' },
    { name: 'y', op: 'Whatever', input: ['x', 'words', 'v'] },
  ]
  const failure = await loadModel(folder(nodes, {}, [{ name: 'words', shape: [1, 1], dtype: 'complex64' }])).catch(
    (error: unknown) => error,
  )
  expect(failure).toBeInstanceOf(UnsupportedModelError)
  const operators = failure instanceof UnsupportedModelError ? failure.operators : []
  expect(operators.map(({ node, why }) => `${node}: ${why}`).toSorted()).toEqual([
    'v: is not known',
    'words: its values are of type complex64',
    'y: is not known',
  ])
})

it.each<[string, readonly object[], RegExp]>([
  ['without an input', [axes, pool('y', 'axes')], /has no Placeholder/],
  [
    'with a circle',
    [
      placeholder,
      { name: 'y', op: 'Add', input: ['x', 'z'] },
      { name: 'z', op: 'Add', input: ['y', 'x'] },
      { name: 'o', op: 'Relu', input: ['z'] },
    ],
    /a circle/,
  ],
  [
    'with a node of a thousand outputs, 300 times',
    [
      placeholder,
      ...Array.from({ length: 300 }, (_, i) => ({
        name: `n${i}`,
        op: 'Split',
        input: [i === 0 ? 'x' : `n${i - 1}:999`],
      })),
    ],
    /at most 262144 can be/,
  ],
  ['with a node that is none', [placeholder, { op: 'Relu' }], /node 1 of its graph has no "name"/],
  ['with base64 that is none', [placeholder, { name: 'y', op: 'Relu', attr: { a: { s: '*' } } }], /base64/],
])('a graph %s is refused', async (_what, nodes, message) => {
  const loading = loadModel(folder(nodes))
  await expect(loading).rejects.toThrow(FormatError)
  await expect(loading).rejects.toThrow(message)
})
