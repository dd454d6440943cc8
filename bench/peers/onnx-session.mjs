/** What ONNX Runtime's packages have in common: a file as a session that takes one tensor and gives one. */
import { explanationThrough, pictureFunction } from '../networks/explanation.mjs'
import { modelBytes } from '../networks/work.mjs'

/** @returns (numbers, shape) -> the output's numbers */
export async function startSession(ort, bytes, options) {
  const session = await ort.InferenceSession.create(bytes, options)
  const [input] = session.inputNames
  const [output] = session.outputNames
  return async (numbers, shape) =>
    (await session.run({ [input]: new ort.Tensor('float32', numbers, shape) }, [output]))[output].data
}

/** What a contender says of a network from a file. @param start (bytes) -> what startSession gives */
export async function networkOf(work, start) {
  const run = await start(modelBytes(work))
  const predict = (images, count) => run(images, [count, ...work.shape])
  return { predict, forward: {}, explanation: explanationThrough(work, pictureFunction(predict)) }
}
