import { openHdf5 } from '../../src/engine/formats/hdf5/hdf5-file.ts'
import { loadModel } from '../../src/engine/index.ts'
import { kerasFile } from '../engine/formats/keras/keras-files.ts'
import { fuzz, must, mutated, mutatedJson } from './fuzzing.ts'

/** A TensorFlow.js layers model with the small Keras model's layers: a model.json, and a shard of half floats and bytes with scales. */
const topology: unknown = JSON.parse(openHdf5(await kerasFile('small.h5')).text('model_config') ?? '')
const sizes = [
  ['first/kernel', [3, 3, 1, 2]],
  ['first/bias', [2]],
  ['norm/gamma', [2]],
  ['norm/beta', [2]],
  ['norm/moving_mean', [2]],
  ['norm/moving_variance', [2]],
  ['second/kernel', [3, 3, 2, 2]],
  ['second/bias', [2]],
  ['last/kernel', [8, 3]],
  ['last/bias', [3]],
] as const
const count = sizes.reduce((sum, [, shape]) => sum + shape.reduce<number>((product, extent) => product * extent, 1), 0)
const weights = sizes.map(([name, shape]) => ({
  name,
  shape,
  dtype: 'float32',
  quantization: { dtype: 'uint8', scale: 0.01, min: -1 },
}))
const described = {
  modelTopology: { keras_version: '2.8.0', backend: 'tensorflow', model_config: topology },
  weightsManifest: [{ paths: ['shard.bin'], weights }],
}
const shard = Uint8Array.from({ length: count }, (_, i) => (i * 37) % 256)

fuzz('TensorFlow.js layers models', {
  taken: 0.02,
  refused: 0.3,
  async attempt(random) {
    const json = new TextEncoder().encode(JSON.stringify(mutatedJson(random, described)))
    const files = new Map([
      ['model.json', random() < 0.3 ? mutated(random, json) : json],
      ['shard.bin', random() < 0.2 ? mutated(random, shard) : shard],
    ])
    const model = await loadModel(files)
    must(
      model.weights.every(({ data }) => data.every(Number.isFinite)),
      'a weight is no number',
    )
    must(model.summary().length > 0, 'no summary')
  },
})
