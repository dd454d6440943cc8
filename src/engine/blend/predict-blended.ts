import type { CompiledModel, Predictions } from '../model/compiled.ts'
import { onlyInput } from '../model/network.ts'
import { blendBySegments, packMasks } from '../ops/blend-by-segments.ts'
import type { Graph } from '../plan/trace.ts'
import { Input } from '../tensor.ts'
import type { BlendOptions, BlendRequest } from './blend-request.ts'
import { predictFactored } from './predict-factored.ts'

/** Predictions for mixtures of an image and its fudged copy that never exist in memory: [count, numbers a sample]. */
export async function predictBlended(
  compiled: CompiledModel,
  request: BlendRequest,
  options: BlendOptions,
): Promise<Predictions> {
  // The reference device is there to compute every sample.
  if (options.factored !== false && compiled.device.info.kind !== 'reference') {
    const predictions = await predictFactored(compiled, request, options)
    if (predictions) return predictions
  }
  const { image, fudged, segments, masks, count, segmentCount } = request
  const words = Math.max(1, Math.ceil(segmentCount / 32))
  const packed = packMasks(masks, count, segmentCount)
  return compiled.inChunks(count, options, {
    key: `blend${words}`,
    graph: (batch) => blendGraph(compiled, batch, words),
    inputs: (first, batch) => {
      const chunk = new Int32Array(batch * words)
      chunk.set(packed.subarray(first * words, (first + batch) * words))
      return { image, fudged, segments, masks: chunk }
    },
  })
}

/** Mask bits [batch, words] of one image and its fudged copy -> y [batch, classes]. */
export function blendGraph(compiled: CompiledModel, batch: number, words: number): Graph {
  const { shape } = onlyInput(compiled.network)
  const pictures = [new Input('image', shape), new Input('fudged', shape)] as const
  const labels = new Input('segments', shape.slice(0, 2), 'i32')
  const x = blendBySegments(...pictures, labels, new Input('masks', [batch, words], 'i32'))
  return { outputs: { y: compiled.forward(x) } }
}
