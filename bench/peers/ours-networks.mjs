/** Limelight with a network from a file, as the package's users call it. */
import { loadModel, openDevice } from '../../dist/index.js'
import { explanationThrough, pictureConventions } from '../networks/explanation.mjs'

/** `device`: its name; `threads` and `relaxed` are for `cpu`; `design`: how explanations are sampled. */
export async function openNetwork(work, { device: name, threads, relaxed, design }) {
  const { files, shape, isExplained } = work
  const device = await openDevice(name, { threads, relaxed })
  const loaded = await loadModel(files)
  const model = isExplained ? loaded.forPictures(pictureConventions) : loaded
  await model.compile({ device })
  return {
    version: `limelight on ${device.info.kind}`,
    how: [device.info.adapter, ...(design ? [`settling ${design.autoSamples.topFeatures}`] : [])].join(', '),
    predict: async (images, count) => (await model.predict({ data: images, shape: [count, ...shape] })).data,
    forward: {},
    explanation: explanationThrough(work, model, design),
  }
}
