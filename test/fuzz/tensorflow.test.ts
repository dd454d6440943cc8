import { loadModel } from '../../src/engine/index.ts'
import { graphCases, graphModel, numbers } from '../engine/formats/tfjs/graph-cases.ts'
import { liteFile } from '../engine/formats/tflite/tflite-file.ts'
import { fuzz, must, mutated, mutatedJson, pick, type Random, whole } from './fuzzing.ts'

/** What a mutant that is taken must be: a network that knows its outputs, whose weights are as many as their shapes say. */
function checkModel({ network }: Awaited<ReturnType<typeof loadModel>>): void {
  for (const { name, shape, data } of network.parameters)
    must(data.length === shape.reduce((all, extent) => all * extent, 1), `${name} has ${data.length} numbers`)
  for (const { shape } of network.outputs) must(shape.every(Number.isSafeInteger), `an output of ${shape}`)
}

const dense = {
  name: 'dense',
  shape: [3, 18],
  data: Int8Array.from(numbers(54, 1), (one) => one * 50),
  type: 9,
  scales: [0.1, 0.2, 0.3],
  axis: 0,
}
const lite = liteFile({
  tensors: [
    { name: 'x', shape: [1, 4, 4, 1], signature: [-1, 4, 4, 1] },
    { name: 'y', shape: [1, 3] },
    { name: 'kernel', shape: [2, 3, 3, 1], data: Float32Array.from(numbers(18, 2)) },
    { name: 'hidden', shape: [1, 4, 4, 2] },
    { name: 'around', shape: [4, 2], data: Int32Array.of(0, 0, 1, 1, 1, 1, 0, 0), type: 2 },
    { name: 'wide', shape: [1, 6, 6, 2], type: 9, scales: [0.05], zeroPoints: [-128] },
    { name: 'pooled', shape: [1, 3, 3, 2] },
    { name: 'shape', shape: [2], data: Int32Array.of(-1, 18), type: 2 },
    { name: 'flat', shape: [1, 18] },
    dense,
    { name: 'sums', shape: [1, 3] },
    { name: 'filled', shape: [1, 3] },
    { name: 'one', shape: [], data: Float32Array.of(1) },
    { name: 'extents', shape: [2], data: Int32Array.of(1, 3), type: 2 },
    { name: 'more', shape: [1, 3] },
  ],
  operators: [
    {
      code: 3,
      inputs: [0, 2, -1],
      outputs: [3],
      options: [
        [0, 'int8', 0],
        [1, 'int32', 1],
        [2, 'int32', 1],
        [3, 'int8', 1],
      ],
    },
    { code: 34, inputs: [3, 4], outputs: [5] },
    {
      code: 17,
      inputs: [5],
      outputs: [6],
      options: [
        [0, 'int8', 1],
        [1, 'int32', 2],
        [2, 'int32', 2],
        [3, 'int32', 2],
        [4, 'int32', 2],
      ],
    },
    { code: 22, inputs: [6, 7], outputs: [8], options: [[0, 'ints', [1, 18]]] },
    { code: 9, inputs: [8, 9, -1], outputs: [10] },
    { code: 94, inputs: [13, 12], outputs: [11] },
    { code: 0, inputs: [10, 11], outputs: [14], options: [[0, 'int8', 3]] },
    { code: 25, inputs: [14], outputs: [1], options: [[0, 'float32', 1]] },
  ],
  inputs: [0],
  outputs: [1],
})

/** Most of the mutants keep their length: what is put in or cut off moves all that a FlatBuffer points at. */
function mutatedLite(random: Random): Uint8Array {
  if (random() < 0.3) return mutated(random, lite)
  const bytes = lite.slice()
  const view = new DataView(bytes.buffer)
  for (let change = 0; change <= whole(random, 3); change++) {
    const at = 4 * (2 + whole(random, bytes.length / 4 - 2))
    if (random() < 0.5) view.setUint8(at, whole(random, 256))
    else view.setInt32(at, pick(random, [-1, 0, 1, 2, 255, 2 ** 16, 2 ** 31 - 1, view.getInt32(at, true) + 1]), true)
  }
  return bytes
}

fuzz('TensorFlow Lite models', {
  taken: 0.1,
  refused: 0.3,
  attempt: async (random) => checkModel(await loadModel(mutatedLite(random))),
})

/** Most of the mutants have another model.json, the others other weights. */
function mutatedFolder(random: Random): Map<string, Uint8Array> {
  const { json, weights } = graphModel(pick(random, graphCases))
  const isJson = random() < 0.8
  const text = JSON.stringify(isJson ? { ...json, modelTopology: mutatedJson(random, json.modelTopology) } : json)
  const bytes = new TextEncoder().encode(text)
  return new Map([
    ['model.json', random() < 0.1 ? mutated(random, bytes) : bytes],
    ['weights', isJson ? weights : mutated(random, weights)],
  ])
}

fuzz('TensorFlow.js graph models', {
  taken: 0.1,
  refused: 0.3,
  attempt: async (random) => checkModel(await loadModel(mutatedFolder(random))),
})
