import type { Model } from '../../src/engine/facade/model.ts'
import { modelFromBytes } from '../../src/engine/facade/model-from-bytes.ts'
import { openHdf5 } from '../../src/engine/formats/hdf5/hdf5-file.ts'
import { parseModel } from '../../src/engine/formats/keras/keras-config.ts'
import { kerasModel } from '../../src/engine/formats/keras/read-keras.ts'
import { loadModel, modelToBytes } from '../../src/engine/index.ts'
import { kerasFile } from '../engine/formats/keras/keras-files.ts'
import { fuzz, joined, must, mutated, mutatedJson, pick, whole } from './fuzzing.ts'

const [h5, newer, zipped] = await Promise.all(['small.h5', 'small-v108.h5', 'small-2.13.keras'].map(kerasFile))

function mustBeWhole(model: Model): void {
  must(
    model.weights.every(({ data }) => data.every(Number.isFinite)),
    'a weight is no number',
  )
  must(model.summary().length > 0, 'no summary')
  must(modelToBytes(modelFromBytes(modelToBytes(model))).length > 0, 'it is not read again')
}

fuzz('Keras files in HDF5', {
  taken: 0.05,
  refused: 0.1,
  async attempt(random) {
    mustBeWhole(await loadModel(mutated(random, pick(random, [h5, newer]))))
  },
})

fuzz('Keras files in zips', {
  refused: 0.3,
  async attempt(random) {
    mustBeWhole(await loadModel(mutated(random, zipped)))
  },
})

/** What describes a model has mutants of its own: bytes alone seldom get past its JSON. */
const described: unknown = JSON.parse(openHdf5(h5).text('model_config') ?? '')
const nested = {
  class_name: 'Functional',
  config: {
    name: 'outer',
    layers: [
      { class_name: 'InputLayer', name: 'x', config: { name: 'x', batch_shape: [null, 6, 6, 1] }, inbound_nodes: [] },
      { ...Object(described), name: 'inner', inbound_nodes: [[['x', 0, 0, {}]]] },
      { class_name: 'Reshape', name: 'r', config: { target_shape: [3, 1] }, inbound_nodes: [[['inner', 1, 0, {}]]] },
      {
        class_name: 'Add',
        name: 'a',
        config: { name: 'a' },
        inbound_nodes: [
          [
            ['r', 0, 0, {}],
            ['r', 0, 0, {}],
          ],
        ],
      },
    ],
    input_layers: [['x', 0, 0]],
    output_layers: [['a', 0, 0]],
  },
}

fuzz("Keras's descriptions of models", {
  taken: 0.02,
  refused: 0.3,
  async attempt(random) {
    // As JSON holds it: without holes in lists.
    const config: unknown = JSON.parse(JSON.stringify(mutatedJson(random, pick(random, [described, nested]))))
    must(parseModel(config).layers.length > 0, 'a model of no layers')
    const { network } = await kerasModel(config, pick(random, ['1.2.0', '2.8.0', '3.0.0']), {}, (places) => {
      const all = places.flatMap(({ weights }) => weights)
      return new Map(all.map(({ name, shape }) => [name, { shape, numbers: async () => [] }]))
    })
    must(network.outputs.length > 0, 'nothing comes out')
  },
})

/** Addresses that lead elsewhere: trees, links and descriptions in circles. */
fuzz('HDF5 files alone', {
  taken: 0.05,
  refused: 0.1,
  async attempt(random) {
    const file = pick(random, [h5, newer])
    const at = whole(random, file.length)
    const lead = new Uint8Array(8)
    new DataView(lead.buffer).setBigUint64(0, BigInt(whole(random, file.length)), true)
    const bytes = joined(file.subarray(0, at), lead, file.subarray(at + 8))
    const root = openHdf5(random() < 0.5 ? bytes : mutated(random, file))
    for (const path of ['model_weights/first', 'model_weights/norm', 'model_weights/last'])
      for (const name of root.group(path)?.attributes.get('weight_names') ?? []) {
        const array = root.array(`${path}/${name}`)
        if (array)
          must((await array.numbers()).length === array.shape.reduce((a, b) => a * b, 1), 'numbers are missing')
      }
  },
})
