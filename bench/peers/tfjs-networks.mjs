/** TensorFlow.js with a network from a file: what tfjs-webgpu.mjs and tfjs-wasm.mjs have in common. */
import * as converter from '@tensorflow/tfjs-converter'
import * as layers from '@tensorflow/tfjs-layers'
import { modelBytes } from '../networks/work.mjs'
import { tf } from './tfjs.mjs'

/** In Node the packages are CommonJS. */
const { loadGraphModel } = converter.default ?? converter
const { loadLayersModel } = layers.default ?? layers

/** A graph model, or one of layers, that is held in memory. */
export async function networkFromFile(work) {
  const { format, modelTopology, weightsManifest } = JSON.parse(new TextDecoder().decode(modelBytes(work)))
  const [folder] = work.files.keys().next().value.split('/')
  // nsfwjs publishes them with an ending that its manifest leaves out.
  const fileOf = (path) => work.files.get(`${folder}/${path}`) ?? work.files.get(`${folder}/${path}.bin`)
  const shards = weightsManifest.flatMap(({ paths }) => paths.map(fileOf))
  const handler = tf.io.fromMemory({
    modelTopology,
    weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
    weightData: await new Blob(shards).arrayBuffer(),
  })
  const model = await (format === 'graph-model' ? loadGraphModel : loadLayersModel)(handler)
  return {
    async predict(images, count) {
      const y = tf.tidy(() => model.predict(tf.tensor(images, [count, ...work.shape])))
      const outputs = await y.data()
      y.dispose()
      return outputs
    },
    forward: {},
  }
}
