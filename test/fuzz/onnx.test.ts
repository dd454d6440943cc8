import { loadModel } from '../../src/engine/facade/load-model.ts'
import { inUse } from '../../src/engine/model/network.ts'
import { formatShape, Input, Resident, sameShape, sizeOf } from '../../src/engine/tensor.ts'
import { onnxFile, type TestModel } from '../engine/formats/onnx/onnx-writer.ts'
import { fuzz, must, mutated, mutatedJson, pick, type Random } from './fuzzing.ts'

/** A network of all families of operators, with shapes that it computes, an If, and a function. */
const model: TestModel = {
  producer: ['fuzzing', '1'],
  metadata: { names: "{0: 'a', 1: 'b'}" },
  inputs: [{ name: 'x', shape: ['N', 2, 6, 6] }],
  initializers: [
    { name: 'kernel', dims: [4, 1, 3, 3], floats: Array.from({ length: 36 }, (_, i) => i / 36 - 0.5) },
    { name: 'statistics', dims: [4], floats: [1, 2, 3, 4] },
    { name: 'batch', dims: [], type: 7, integers: [0] },
    { name: 'rest', dims: [1], type: 7, integers: [-1] },
    { name: 'weights', dims: [3, 36], floats: Array.from({ length: 108 }, (_, i) => i / 108) },
    { name: 'yes', dims: [], type: 9, integers: [1] },
    { name: 'starts', dims: [1], type: 7, integers: [0] },
    { name: 'ends', dims: [1], type: 7, integers: [3] },
    { name: 'axes', dims: [1], type: 7, integers: [1] },
    { name: 'scales', dims: [4], floats: [1, 1, 2, 2] },
    { name: 'repeats', dims: [2], type: 7, integers: [1, 2] },
  ],
  nodes: [
    {
      operator: 'Conv',
      inputs: ['x', 'kernel'],
      outputs: ['a'],
      attributes: { group: 2, pads: [1, 1, 1, 1], kernel_shape: [3, 3] },
    },
    { operator: 'BatchNormalization', inputs: ['a', ...new Array<string>(4).fill('statistics')], outputs: ['b'] },
    {
      operator: 'If',
      inputs: ['yes'],
      outputs: ['c'],
      attributes: {
        then_branch: { graph: { nodes: [{ operator: 'Relu', inputs: ['b'], outputs: ['r'] }], outputs: ['r'] } },
      },
    },
    { operator: 'MaxPool', inputs: ['c'], outputs: ['d'], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
    { operator: 'Resize', inputs: ['d', '', 'scales'], outputs: ['e'], attributes: { mode: 'linear' } },
    { operator: 'Half', domain: 'own', inputs: ['e'], outputs: ['f'] },
    {
      operator: 'AveragePool',
      inputs: ['f'],
      outputs: ['g'],
      attributes: { kernel_shape: [2, 2], strides: [2, 2], auto_pad: 'SAME_UPPER' },
    },
    { operator: 'Transpose', inputs: ['g'], outputs: ['h'], attributes: { perm: [0, 2, 3, 1] } },
    { operator: 'Shape', inputs: ['x'], outputs: ['shape'] },
    { operator: 'Gather', inputs: ['shape', 'batch'], outputs: ['count'] },
    { operator: 'Unsqueeze', inputs: ['count', 'starts'], outputs: ['counts'] },
    { operator: 'Concat', inputs: ['counts', 'rest'], outputs: ['flat'], attributes: { axis: 0 } },
    { operator: 'Reshape', inputs: ['h', 'flat'], outputs: ['i'] },
    { operator: 'Gemm', inputs: ['i', 'weights'], outputs: ['j'], attributes: { transB: 1 } },
    { operator: 'Tile', inputs: ['j', 'repeats'], outputs: ['k'] },
    { operator: 'Slice', inputs: ['k', 'starts', 'ends', 'axes'], outputs: ['l'] },
    { operator: 'Softmax', inputs: ['l'], outputs: ['y'] },
  ],
  functions: [
    {
      name: 'Half',
      domain: 'own',
      inputs: ['a'],
      outputs: ['b'],
      nodes: [
        { operator: 'Constant', outputs: ['half'], attributes: { value: { tensor: { dims: [], floats: [0.5] } } } },
        { operator: 'Mul', inputs: ['a', 'half'], outputs: ['b'] },
      ],
    },
  ],
  outputs: ['y'],
}
const file = onnxFile(model)

/** Half of the mutants are whole files that say something else: bytes alone seldom get past the messages. */
function mutant(random: Random): Uint8Array {
  if (random() < 0.5) return mutated(random, file)
  const changed = mutatedJson(random, model)
  try {
    // What is no model any more can't be written; what it holds may be of any type.
    return onnxFile(Object(changed))
  } catch {
    return mutated(random, file)
  }
}

fuzz('ONNX files', {
  taken: 0.05,
  refused: 0.4,
  async attempt(random) {
    const loaded = await loadModel(mutant(random))
    must(loaded.summary().length > 0, 'no summary')
    const { network } = loaded
    const batch = pick(random, [1, 2, 3])
    must(
      network.parameters.every(({ data, shape }) => data.length === sizeOf(shape)),
      'a weight of another size',
    )
    const given = network.inputs.map(({ name, shape }) => new Input(name, [batch, ...shape]))
    const residents = network.parameters.map(({ shape }) => new Resident('weights', 0, shape))
    const { outputs } = network.apply(given, residents, inUse)
    must(outputs.length === network.outputs.length, 'other outputs')
    // As it was told of one sample.
    outputs.forEach(({ shape }, i) => {
      must(sameShape(shape, [batch, ...network.outputs[i].shape]), `an output of ${formatShape(shape)}`)
    })
  },
})
